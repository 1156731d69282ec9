"""charrnn_preprocess as a user runs it: sources of every kind, one corpus."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from safetensors.numpy import load_file

from charrnn_cli import ROOT, TIME_MACHINE, ToolTest, command, environment, overrides, run


class PreprocessTest(ToolTest):
    def report(self, *arguments, **settings):
        return json.loads(self.succeed("charrnn_preprocess", self.config, "--json", *arguments, **settings).stdout)

    def contents(self, folder):
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (self.folder / folder).iterdir()}

    def test_the_recipe_of_dive_into_deep_learning(self):
        report = self.report(corpus__letters_only="true", corpus__join_lines="nothing",
                             corpus__vocabulary__unknown="true")
        self.assertEqual(report["vocabulary"]["size"], 28)
        self.assertEqual(report["sources"][0]["characters"], 170580)
        self.assertEqual(sum(split["characters"] for split in report["splits"]), 170580)
        self.assertTrue(report["splits"][0]["first_lines"][0].startswith(
            "the time machine by h g wellsithe time traveller for so it will be convenient to"))

    def test_the_first_characters_of_the_recipe(self):
        """max_tokens = 10,000 in the recipe; and a folder, of which no more is read than needed."""
        recipe = {"corpus__letters_only": "true", "corpus__join_lines": "nothing", "corpus__max_characters": 10000,
                  "corpus__vocabulary__unknown": "true", "corpus__split": "{valid: 0, test: 0}"}
        report = self.report(**recipe)
        self.assertEqual(report["vocabulary"]["size"], 28)
        self.assertEqual([split["characters"] for split in report["splits"]], [10000])
        self.assertEqual(report["sources"][0]["changes"]["max_characters"], 10000 - 170580)
        text = self.succeed("charrnn_preprocess", self.config, **recipe, corpus__sources=f"[{ROOT}/data/andersen]",
                            corpus__output=self.folder / "tales").stdout
        self.assertIn("max_characters", text)
        self.succeed("charrnn_preprocess", self.config, "--verify", corpus__output=self.folder / "tales")

    def test_json_lines_under_a_plain_name_are_pointed_out(self):
        (self.folder / "posts.json").write_text('{"text": "a post"}\n' * 300, encoding="utf-8")
        sources = {"corpus__output": self.folder / "posts", "corpus__split__by": "tail"}
        text = self.succeed("charrnn_preprocess", self.config, corpus__sources=f"[{self.folder}/posts.json]", **sources).stdout
        self.assertIn("json_field", text)
        text = self.succeed("charrnn_preprocess", self.config, **sources,
                            corpus__sources=f"[{{path: {self.folder}/posts.json, json_field: text}}]").stdout
        self.assertNotIn("signs", text)

    def test_stopped_while_it_waits_for_standard_input(self):
        process = subprocess.Popen(command("charrnn_preprocess", self.config, *overrides(
            corpus__sources="[-]", corpus__output=self.folder / "piped")), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(), text=True)
        deadline = time.monotonic() + 30
        while not list(self.folder.glob("piped.tmp-*/standard-input.zst")):
            self.assertLess(time.monotonic(), deadline, "it does not start")
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 1)
        self.assertIn("stopped by SIGTERM", process.stderr.read())
        process.stdin.close()
        process.stderr.close()
        self.assertEqual(list(self.folder.glob("piped*")), [])

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to mount")
    def test_a_mount_point_as_output(self):
        # A mount point can be neither renamed nor exchanged: its files are replaced one by one.
        output, copy = self.folder / "mounted", self.folder / "copy"
        output.mkdir()
        tool = " ".join(command("charrnn_preprocess", self.config, "--set", f"corpus.output={output}"))
        script = (f"mount -t tmpfs none {output} || exit 77; {tool} || exit 1; {tool} --set corpus.lower_case=true || exit 1; "
                  f"cp -r {output} {copy}; touch {output}/thesis.txt; {tool}")
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], env=environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest("no right to mount here")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("holds thesis.txt", done.stderr)
        self.succeed("charrnn_preprocess", self.config, corpus__output=self.folder / "plain", corpus__lower_case="true")
        self.assertEqual(self.contents("copy"), self.contents("plain"))
        self.assertEqual([path.name for path in self.folder.glob("mounted.tmp*")], [])

    def test_targets(self):
        (self.folder / "hello.txt").write_text("hello")
        targets = self.folder / "targets.txt"
        targets.write_text("ohlol")
        settings = {"corpus__sources": self.folder / "hello.txt", "corpus__targets": targets,
                    "corpus__split": "{valid: 0, test: 0}"}
        report = self.report(**settings)
        self.assertEqual([split["characters"] for split in report["splits"]], [5])
        self.assertAlmostEqual(report["baselines"]["bigram_bits"], 0.4)
        self.assertTrue(self.report(**settings)["up_to_date"])
        text = run("charrnn_inspect", self.folder / "corpus").stdout
        self.assertIn("  | hello\n  and their targets\n  | ohlol\n", text)
        self.assertIn("their targets \"ohlol\"", run("charrnn_inspect", self.folder / "corpus" / "train-00000.h5").stdout)
        targets.write_text("ohlo")
        self.refuse(2, "targets.txt has 4 characters", "hello.txt has 5", tool="charrnn_preprocess", **settings)
        targets.write_text("ohloh")
        self.assertFalse(self.report(**settings)["up_to_date"])

    def test_the_same_bytes_for_any_number_of_threads(self):
        for threads in (1, 2, 3):
            self.report("--threads", threads, corpus__output=self.folder / f"t{threads}",
                        corpus__sources=f"[{ROOT}/data/andersen, {ROOT}/data/chinese]", corpus__normalization="nfkc",
                        corpus__lower_case="true")
        self.assertEqual(self.contents("t1"), self.contents("t2"))
        self.assertEqual(self.contents("t1"), self.contents("t3"))

    def test_up_to_date(self):
        self.assertIn("up to date", self.succeed("charrnn_preprocess", self.config).stdout)
        self.assertTrue(self.report()["up_to_date"])
        before = self.contents("corpus")
        self.assertFalse(self.report("--force")["up_to_date"])
        self.assertEqual(self.contents("corpus"), before)
        self.succeed("charrnn_preprocess", self.config, "--verify")
        self.assertFalse(self.report(corpus__lower_case="true")["up_to_date"])
        shard = self.folder / "corpus" / "train-00000.h5"
        damaged = bytearray(shard.read_bytes())
        damaged[-2000] ^= 1
        shard.write_bytes(damaged)
        self.refuse(1, "train-00000.h5", tool="charrnn_preprocess", arguments=[self.config, "--verify"])
        self.assertFalse(self.report(corpus__lower_case="true")["up_to_date"])
        self.succeed("charrnn_preprocess", self.config, "--verify")

    def test_sources_of_every_kind(self):
        folder = self.folder / "in"
        folder.mkdir()
        (folder / "a.txt").write_bytes("\ufeffaé\r\n".encode())
        (folder / "b.txt.gz").write_bytes(gzip.compress(b"b1\r") + gzip.compress(b"b2\n"))
        (folder / "c.jsonl").write_text('{"text": "c\\n"}\nno json\n{"text": "d\\n"}\n')
        (folder / "d.txt").write_bytes("Un café très français, à côté de l'été\n".encode("latin-1"))
        (folder / "e.bin").write_bytes(bytes(range(256)) * 20)
        (folder / "f.txt").write_bytes(b"")
        (self.folder / "list").write_text(f"# books\n{folder}/*.txt.gz\n")
        sources = f"[{folder}, '@{self.folder}/list']"
        self.refuse(2, "e.bin", "corpus.on_error: skip", tool="charrnn_preprocess", corpus__sources=sources)
        report = self.report(corpus__sources=sources, corpus__on_error="skip")
        self.assertEqual({s["name"]: s["charset"] for s in report["sources"]},
                         {"a.txt": "UTF-8", "b.txt.gz": "ASCII", "c.jsonl": "ASCII", "d.txt": "ISO-8859-1"})
        self.assertEqual([s["characters"] for s in report["sources"]], [3, 6, 4, 39])
        self.assertEqual([s["name"] for s in report["left_out"]], ["e.bin", "f.txt"])
        self.assertEqual(report["sources"][2]["lines_left_out"], 1)
        text = run("charrnn_inspect", self.folder / "corpus").stdout
        for words in ("left out", "e.bin", "first lines of valid", "most frequent", "line 2 of"):
            self.assertIn(words, text)

    def test_standard_input(self):
        words = [*command("charrnn_preprocess", self.config, "--json"), *overrides(corpus__sources="-")]
        for up_to_date in (False, True):
            done = subprocess.run(words, input=TIME_MACHINE.read_bytes(), capture_output=True, env=environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["up_to_date"], up_to_date)
            self.assertEqual(report["sources"][0]["bytes"], 178979)
        # A glob must not find the copy that exists meanwhile.
        words = [*command("charrnn_preprocess", self.config, "--json"),
                 *overrides(corpus__sources=f"['-', '{self.folder}/*']", corpus__output=self.folder / "second")]
        done = subprocess.run(words, input=b"some text\n" * 100, capture_output=True, env=environment())
        report = json.loads(done.stdout)
        self.assertEqual([source["name"] for source in report["sources"]], ["standard-input", "config.yaml"])
        self.assertEqual([own["folder"] for own in report["own_files"]], [str(self.folder / "corpus")])
        self.assertEqual(sorted(self.contents("corpus")),
                         ["manifest.json", "train-00000.h5", *[f"train-{i:05}.h5" for i in range(1, 29)],
                          "valid-00000.h5", "valid-00001.h5", "vocabulary.json"])

    def test_the_corpus_among_its_sources(self):
        """No file that charrnn wrote is read as a source, whatever its name, and a second run finds nothing new."""
        data = self.folder / "data"
        data.mkdir()
        shutil.copy(TIME_MACHINE, data / "text.txt")
        settings = {"corpus__sources": f"['{data}/**/*']", "corpus__output": data / "corpus", "corpus__on_error": "skip",
                    "run__output": data / "run"}
        self.assertFalse(self.report(**settings)["up_to_date"])
        self.succeed("charrnn_train", self.config, train__steps=1, **settings)
        before = self.contents("data/corpus")
        again = self.report(**settings)
        self.assertTrue(again["up_to_date"])
        self.assertEqual({own["what"] for own in again["own_files"]}, {"corpus.output", "run.output"})
        text = self.succeed("charrnn_preprocess", self.config, "--force", **settings).stdout
        self.assertIn(f"files left out because charrnn wrote them itself\n  {data}/corpus: ", text)
        self.assertEqual(self.contents("data/corpus"), before)
        settings["corpus__sources"] = f"[{data}/run/samples.txt]"
        (data / "run" / "samples.txt").touch()
        self.refuse(2, "samples.txt of corpus.sources is in run.output", tool="charrnn_preprocess", **settings)
        (data / "corpus" / "train-00099.h5").write_text("by the user")
        settings["corpus__sources"] = f"[{data}/text.txt]"
        self.refuse(2, "holds train-00099.h5", "set corpus.output", tool="charrnn_preprocess",
                    arguments=[self.config, "--force"], **settings)
        self.assertEqual((data / "corpus" / "train-00099.h5").read_text(), "by the user")

    def test_remarks_about_the_text(self):
        """Copies in train and in held-out text, texts that run together, invisible characters including NUL."""
        posts = [f"a\0b, {hashlib.sha512(str(i).encode()).hexdigest()}." for i in range(60)]
        (self.folder / "posts.jsonl").write_text("".join(json.dumps({"text": post}) + "\n" for post in posts + posts))
        settings = {"corpus__sources": self.folder / "posts.jsonl", "corpus__split": "{by: document, valid: 0.1, test: 0}"}
        text = self.succeed("charrnn_preprocess", self.config, **settings).stdout
        for words in ("119 documents run into the next ", "corpus.document_end", "with a copy in train", "U+0000 control",
                      "corpus.invisible_characters=drop", "a<U+0000>b", "baselines"):
            self.assertIn(words, text)
        self.assertNotIn("\0", text)
        settings["corpus__split__copies"] = "together"
        copies = self.report(**settings, corpus__invisible_characters="drop")["copies"]
        self.assertEqual((copies["documents"], copies["held_out_with_copies_in_train"]), (60, 0))

    def test_gutenberg(self):
        book = ROOT / "data" / "time_machine" / "35-0.txt"
        report = self.report(corpus__sources=book)
        self.assertLess(report["sources"][0]["changes"]["gutenberg"], -15000)
        text = "".join(line for split in report["splits"] for line in split["first_lines"])
        self.assertNotIn("Gutenberg", text)
        refused = self.report(corpus__sources=book, corpus__minimum_kept="0.99")
        self.assertTrue(refused["sources"][0]["gutenberg_refused"])
        self.assertNotIn("gutenberg", refused["sources"][0]["changes"])

    def test_fine_tuning(self):
        self.train(train__steps=1)
        self.report(corpus__output=self.folder / "lower", corpus__lower_case="true")
        new = self.folder / "new.txt"
        new.write_text("The Time Traveller, again. " * 50)
        report = self.report(corpus__sources=new, corpus__output=self.folder / "new",
                             corpus__vocabulary__from=self.folder / "run")
        old = json.loads((self.folder / "run" / "vocabulary.json").read_text())
        self.assertEqual(report["vocabulary"]["hash"], old["hash"])
        # The weights too: with a learning rate of 0, those of the new run are those of the old.
        done = self.succeed("charrnn_train", self.config, ranks=2, run__output=self.folder / "tuned", train__steps=1,
                            corpus__output=self.folder / "new", train__start_from=self.folder / "run",
                            train__optimizer__learning_rate=0, run__seed=99, train__sequence_length=10)
        self.assertIn("starting from the weights of", done.stdout)
        old, tuned = (load_file(self.folder / name / "checkpoints" / "latest") for name in ("run", "tuned"))
        weights = [name for name in old if name.startswith(("rnn.", "embedding.", "head."))]
        self.assertGreaterEqual(len(weights), 6)
        for name in weights:
            self.assertTrue((old[name] == tuned[name]).all(), name)
        self.refuse(2, "corpus.vocabulary.from", train__start_from=self.folder / "run",
                    run__output=self.folder / "other", corpus__output=self.folder / "lower", sample__prefixes="[the ]")
        self.refuse(2, "'“'", "vocabulary", tool="charrnn_preprocess", corpus__output=self.folder / "new",
                    corpus__vocabulary__from=self.folder / "run",
                    corpus__sources=ROOT / "data" / "andersen" / "1597-0.txt")

    def test_training_reports_that_the_corpus_has_other_settings(self):
        done = self.succeed("charrnn_train", self.config, train__steps=1, corpus__lower_case="true")
        self.assertIn("corpus.lower_case", done.stderr)
        self.assertNotIn("corpus.shard_size", done.stderr)

    def test_stopped_by_a_signal(self):
        """It removes its temporary files at once."""
        before = self.contents("corpus")
        text = self.folder / "large.txt"
        text.write_bytes(b"The Time Traveller, for so it will be convenient to speak of him.\n" * 1000000)
        stopped = 0
        for milliseconds in (100, 150, 200, 250):
            process = subprocess.Popen([*command("charrnn_preprocess", self.config, "--force"),
                                        *overrides(corpus__sources=text)], env=environment(), text=True,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGTERM)
            _, message = process.communicate()
            if process.returncode != 1:
                continue  # before it handled signals, or after it had ended
            stopped += 1
            self.assertIn("stopped by SIGTERM", message)
            self.assertEqual(self.contents("corpus"), before)
            self.assertEqual([name for name in os.listdir(self.folder) if "tmp" in name], [])
        self.assertGreater(stopped, 0)

    def test_killed_at_any_time(self):
        """The old corpus remains complete; the next run removes temporary files."""
        before = self.contents("corpus")
        words = [*command("charrnn_preprocess", self.config, "--force"),
                 *overrides(corpus__sources=f"[{ROOT}/data]", corpus__on_error="skip")]
        for milliseconds in (20, 60, 120, 200, 350):
            process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGKILL)
            if process.wait() == 0:
                break
            self.assertEqual(self.contents("corpus"), before)
            self.succeed("charrnn_preprocess", self.config, "--verify")
        self.succeed("charrnn_preprocess", self.config, "--force")
        self.assertEqual(self.contents("corpus"), before)
        self.assertEqual([name for name in os.listdir(self.folder) if "tmp" in name], [])


if __name__ == "__main__":
    unittest.main()
