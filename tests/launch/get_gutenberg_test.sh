#!/usr/bin/env bash
# launch/get_gutenberg.sh with a mirror on this machine: downloads, continuing, messages, books from a folder.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for tool in curl python3; do command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }; done

cd "$scratch"
unset CHARRNN_GUTENBERG_MIRROR http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
export no_proxy='*'

# The mirror serves pgN.txt from site/; some numbers misbehave. It logs paths and user agents in `requests`.
for book in 84 1342 2701; do
  mkdir -p "site/cache/epub/$book"
  printf '\xef\xbb\xbfThe Project Gutenberg eBook\r\nTitle: Book %s\e[31m\r\n\r\nCall me.\r\n' "$book" \
    >"site/cache/epub/$book/pg$book.txt"
done
cat >mirror.py <<'MIRROR'
import http.server, re, sys, time

class Mirror(http.server.SimpleHTTPRequestHandler):
    asked = {}
    def do_GET(self):
        with open("requests", "a") as out:
            out.write(f"{self.path} {self.headers['User-Agent']}\n")
        book = int(re.search(r"pg(\d+)\.txt$", self.path)[1])
        times = self.asked[book] = self.asked.get(book, 0) + 1
        if book == 7:  # busy, twice
            if times <= 2: return self.answer(503, b"busy")
            return self.answer(200, b"Title: Patience\nIt came at last.\n")
        if book == 8: return self.answer(200, b"\n<!DOCTYPE HTML><title>Are you a robot?</title>")
        if book == 9: return self.answer(200, b"any", "text/html; charset=utf-8")
        if book == 10: return self.answer(200, b"")
        if book == 11: return self.answer(403, b"no")
        if book == 12: return self.answer(200, b"cut short", length=1000)  # always
        if book == 13:  # begins, and then stalls
            self.answer(200, b"Title: Slow\n", length=1000)
            self.wfile.flush()
            time.sleep(60)
        self.directory = "site"
        super().do_GET()
    def answer(self, code, body, kind="text/plain", length=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
server.daemon_threads = True
with open("port.new", "w") as out: out.write(str(server.server_port))
import os; os.rename("port.new", "port")
server.serve_forever()
MIRROR
python3 mirror.py &
server=$!
trap 'kill $server; rm -rf "$scratch"' EXIT
for ((tenth = 0; tenth < 200; ++tenth)); do [ ! -e port ] || break; sleep 0.1; done
mirror=http://127.0.0.1:$(cat port)

get() {
  : >requests
  status=0
  output=$(bash "$root/launch/get_gutenberg.sh" --mirror "$mirror" --pause 0 --output books "$@" 2>&1 <&-) || status=$?
}
asked() { wc -l <requests; }
left_over() { find books -name '.*' -not -name . -not -name .lock | wc -l; }

# Three books, complete; the second time without requests.
get 84 1342 2701
equal "three books: $output" 0 "$status"
for book in 84 1342 2701; do
  cmp "site/cache/epub/$book/pg$book.txt" "books/pg$book.txt" || fail "pg$book.txt differs"
done
contains "three books, a line for each" "[2/3] 1342  Book 1342[31m (0.0 MB)" "$output"
contains "three books, at the end" "3 new (0.0 MB), 0 already there, 0 missing" "$output"
contains "user agent" "charrnn" "$(cat requests)"
get 84 1342 2701
equal "again: $output" 0 "$status"
equal "again, requests" 0 "$(asked)"
contains "again" "0 new (0.0 MB), 3 already there" "$output"

# A list with a byte order mark, comments, blank lines, carriage returns, tabs and no line end, and a number next to it;
# the environment's mirror.
rm -r books
printf '\xef\xbb\xbf84\t# Frankenstein\r\n\r\n# mine \r\n 1342' >list.txt
get --list list.txt 2701
equal "list: $output" 0 "$status"
equal "list, books" "pg1342.txt pg2701.txt pg84.txt" "$(cd books && echo *)"
rm books/pg84.txt
output=$(CHARRNN_GUTENBERG_MIRROR=$mirror/ bash "$root/launch/get_gutenberg.sh" --output books 84 2>&1)
[ -s books/pg84.txt ] || fail "the environment's mirror: $output"

# A missing book, web pages and an empty answer are reported; other books are downloaded, code 1, no incomplete file.
rm -r books
get 84 99999 8 9 10 1342
equal "some fail: $output" 1 "$status"
contains "404" "99999: no plain text with this number (404)" "$output"
contains "HTML" "8: the answer is a web page" "$output"
contains "HTML by its type" "9: the answer is a web page" "$output"
contains "empty" "10: the answer is empty" "$output"
contains "some fail" "2 new (0.0 MB), 0 already there, 4 missing: 99999 8 9 10" "$output"
equal "some fail, requests: each once" 6 "$(asked)"
equal "some fail, books" "pg1342.txt pg84.txt" "$(cd books && echo *)"
equal "some fail, incomplete files" 0 "$(left_over)"

# A busy server: tried again. A transfer that is cut short each time: given up, no book.
get 7
equal "busy: $output" 0 "$status"
contains "busy" "answers with 503; next attempt in 2 s" "$output"
equal "busy, requests" 3 "$(asked)"
get --attempts 2 12 2701
equal "cut short: $output" 1 "$status"
[ ! -e books/pg12.txt ] || fail "half a book was kept"
equal "cut short, requests" 2 "$(grep -c pg12.txt requests)"
equal "cut short, incomplete files" 0 "$(left_over)"

# Refused, or no server: ends at once with advice.
get 11 2701
equal "refused: $output" 1 "$status"
contains "refused" "refuses downloads from this address (403)" "$output"
equal "refused, requests" 1 "$(asked)"
for nowhere in http://127.0.0.1:1 http://no-such-host.invalid; do
  get --attempts 1 --mirror $nowhere 31 32
  equal "$nowhere: $output" 1 "$status"
  contains "$nowhere" "cannot reach $nowhere: curl:" "$output"
  contains "$nowhere, advice" "launch/get_gutenberg.sh FOLDER" "$output"
done

# Interrupted in the middle of a book: ends at once without an incomplete file; the same command continues. A second
# get_gutenberg.sh refuses to start meanwhile.
set -m
for signal in INT TERM; do
  rm -rf books requests
  bash "$root/launch/get_gutenberg.sh" --mirror "$mirror" --pause 0 --output books 84 13 >interrupted 2>&1 &
  script=$!
  for ((tenth = 0; tenth < 200; ++tenth)); do ! grep -qs pg13 requests || break; sleep 0.1; done
  get 1342
  equal "a second one: $output" 1 "$status"
  contains "a second one" "another get_gutenberg.sh is filling" "$output"
  seconds=$SECONDS
  kill -s $signal $script
  status=0
  wait $script || status=$?
  equal "$signal: $(cat interrupted)" 1 "$status"
  contains "$signal" "the same command continues" "$(cat interrupted)"
  [ $((SECONDS - seconds)) -lt 5 ] || fail "$signal: took $((SECONDS - seconds)) s"
  equal "$signal, books" pg84.txt "$(cd books && echo *)"
  equal "$signal, incomplete files" 0 "$(left_over)"
done
set +m
get 84 1342
equal "the same command continues: $output" 0 "$status"
contains "the same command continues" "1 new (0.0 MB), 1 already there" "$output"

# A folder: only texts, with their folders and names, none moved; nothing new the second time.
mkdir -p "mine/a b" mine/.hidden
echo one >"mine/a b/one.txt"
gzip -c "mine/a b/one.txt" >mine/two.txt.gz
echo three >elsewhere.txt
ln -s ../elsewhere.txt mine/three.txt
touch mine/picture.png mine/.hidden/four.txt
rm -r books
get mine
equal "folder: $output" 0 "$status"
equal "folder, books" "./a b/one.txt ./three.txt ./two.txt.gz" "$(cd books && find . -type f -not -name .lock | sort | xargs -d '\n')"
cmp "mine/a b/one.txt" "books/a b/one.txt" || fail "not moved, not changed"
equal "folder, requests" 0 "$(asked)"
get mine
contains "folder, again" "0 new (0.0 MB), 3 already there" "$output"

# Wrong arguments.
mkdir -p empty nothing
echo "eighty-four" >wrong.txt
for arguments in "--no-such-option" "0" "eighty-four" "no_such_folder" "--list" "--list no_such_list" \
  "--list wrong.txt" "--list /dev/null" "--pause soon 84" "--attempts 0 84" "--mirror gutenberg.org 84" "mine 84" \
  "mine books" "--list list.txt mine" "empty" "." "books"; do
  # shellcheck disable=SC2086  # several arguments
  get $arguments
  equal "get_gutenberg.sh $arguments: $output" 2 "$status"
done
contains "--help" "usage: launch/get_gutenberg.sh" "$(bash "$root/launch/get_gutenberg.sh" --help)"
touch file
get --output file/books 84
equal "output below a file: $output" 1 "$status"

# The default list: at least fifty numbers, none twice.
numbers=$(sed -n 's/^\([0-9]*\) .*/\1/p' "$root/data/gutenberg_books.txt")
[ "$(wc -l <<<"$numbers")" -ge 50 ] || fail "data/gutenberg_books.txt has too few books"
equal "data/gutenberg_books.txt, listed twice" "" "$(sort <<<"$numbers" | uniq -d)"
