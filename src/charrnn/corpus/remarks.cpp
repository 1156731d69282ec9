#include "charrnn/corpus/remarks.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/report_text.h"
#include "charrnn/text/invisible.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShown = 10;
constexpr int kSureConfidence = 70;  // percent, of ICU's detector

std::string text_of(const Json& object, const char* key) {
  return visible(object[key].get<std::string>());
}

// A heading and lines below it; nothing if there are no lines.
std::string list(const std::string& heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = heading + "\n";
  for (size_t i = 0; i < std::min(lines.size(), kShown); ++i) text += "  " + lines[i] + "\n";
  if (lines.size() > kShown) text += "  ... and " + with_thousands(lines.size() - kShown) + " more\n";
  return text;
}

std::string left_out_text(const Json& corpus) {
  std::vector<std::string> left_out;
  for (const Json& source : corpus["left_out"]) {
    const std::string name = text_of(source, "name");
    const std::string reason = text_of(source, "reason");
    left_out.push_back(reason.find(name) == std::string::npos ? concat(name, " ", reason) : reason);
  }
  std::vector<std::string> own;
  for (const Json& folder : corpus.value("own_files", Json::array())) {
    own.push_back(concat(text_of(folder, "folder"), ": ", plural(folder["files"].get<int64_t>(), "file"),
                         " (", text_of(folder, "what"), ")"));
  }
  return list("sources left out (corpus.on_error: skip)", left_out) +
         list("files left out because charrnn wrote them itself", own);
}

std::string sources_text(const Json& corpus) {
  std::vector<std::string> refused;
  std::vector<std::string> lines;
  std::vector<std::string> behind;
  for (const Json& source : corpus["sources"]) {
    if (source.value("behind_cut", false)) behind.push_back(text_of(source, "name"));
    if (source.value("gutenberg_refused", false)) refused.push_back(text_of(source, "name"));
    if (source.value("lines_left_out", 0) > 0) {
      lines.push_back(concat(text_of(source, "name"), ": ",
                             plural(source["lines_left_out"].get<int64_t>(), "line"),
                             ", the first: ", text_of(source, "first_line_left_out")));
    }
  }
  std::vector<std::string> doubtful;
  Json texts = corpus["sources"];
  if (!corpus["targets"].is_null()) texts.push_back(corpus["targets"]);
  for (const Json& source : texts) {
    if (source.value("found_by", "") == "detector" && source.value("confidence", 100) < kSureConfidence) {
      doubtful.push_back(text_of(source, "name") + " " + charset_text(source));
    }
  }
  const Json& given = corpus["settings"]["sources"];
  const bool has_field = std::any_of(given.begin(), given.end(), [](const Json& entry) {
    return entry.is_object() && entry.contains("json_field");
  });
  std::vector<std::string> json;
  for (const Json& source : corpus["sources"]) {
    const std::string name = lower_ascii(text_of(source, "name"));
    const bool is_json = name.ends_with(".json") || name.ends_with(".json.gz") || name.ends_with(".json.zst");
    if (is_json && !has_field) json.push_back(text_of(source, "name"));
  }
  return list(
             "JSON files read as plain text, braces and field names included: if each line is an object, set "
             "the field that has its text ({path: FILE, json_field: text})",
             json) +
         list("charset uncertain: check the text, and set the encoding of the source if the charset is wrong",
              doubtful) +
         list("lines left out", lines) +
         list("sources not read because they come after corpus.max_characters", behind) +
         list(
             "Project Gutenberg's headers and licences kept, because less than corpus.minimum_kept would "
             "remain",
             refused);
}

std::string run_together_text(const Json& corpus) {
  const auto found = corpus.find("run_together");
  if (found == corpus.end()) return "";
  const auto documents = (*found)["documents"].get<uint64_t>();
  return concat(
      plural(documents, "document"), documents == 1 ? " runs" : " run",
      " into the next without a line end or blank between them, such as ", text_of(*found, "first"),
      "\n  set corpus.document_end to the character that should end each document, such as \"\\n\" (--set ",
      "'corpus.document_end=\"\\n\"')\n");
}

std::string copies_text(const Json& corpus) {
  const auto found = corpus.find("copies");
  if (found == corpus.end()) return "";
  const Json& copies = *found;
  const auto number = [&](const char* key) { return copies[key].get<uint64_t>(); };
  const uint64_t held_out = number("held_out_with_copies_in_train");
  if (held_out == 0) {
    if (number("documents") == 0) return "";
    return concat("copies: ", plural(number("documents"), "document"),
                  " equal or nearly equal to another; no held-out document has a copy in train\n");
  }
  const double share =
      100 * static_cast<double>(number("characters")) / static_cast<double>(number("of_held_out_characters"));
  std::string text =
      concat("copies: ", plural(held_out, "held-out document"), " with a copy in train (",
             with_thousands(number("equal")), " equal, ", with_thousands(held_out - number("equal")),
             " nearly equal), ", with_thousands(number("characters")), " of ",
             with_thousands(number("of_held_out_characters")), " held-out characters (", std::lround(share),
             " %)\n");
  const size_t shown = std::min(kShown, copies["first"].size());
  for (size_t i = 0; i < shown; ++i) {
    const Json& document = copies["first"][i];
    text += concat("  ", text_of(document, "name"), " (", text_of(document, "split"), ") is ",
                   document["equal"].get<bool>() ? "equal to " : "nearly equal to ",
                   text_of(document, "copy_in_train"), "\n");
  }
  if (held_out > shown) {
    text += concat("  ... and ", with_thousands(held_out - shown), " more (manifest.json has ",
                   copies["first"].size(), " of them)\n");
  }
  return text +
         "  the loss on these splits will be too low; to keep copies in one split, use --set "
         "corpus.split.copies=together (with corpus.split.by: document)\n";
}

std::string invisible_text(const Json& corpus) {
  std::vector<std::string> names;
  for (const Json& entry : corpus["invisible_characters"]) {
    names.push_back(concat(text_of(entry, "name"), ", ", grouped(entry["count"])));
  }
  return list("invisible characters in the vocabulary (--set corpus.invisible_characters=drop removes them)",
              names);
}

}  // namespace

std::string remarks_text(const Json& corpus) {
  return left_out_text(corpus) + sources_text(corpus) + run_together_text(corpus) + copies_text(corpus) +
         invisible_text(corpus);
}

}  // namespace charrnn
