#include "charrnn/text/prefix.h"

#include "charrnn/text/cleaner.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kLongPrefix = size_t{1} << 20;

std::string cleaned(std::string_view prefix, const CorpusSettings& recipe) {
  std::string text(prefix);
  CleaningCounts counts;
  Cleaner(recipe).clean(text, "the prefix", 0, counts);
  // Cleaning trims the ends of lines, even of a line that will continue.
  const bool ends_in_blank = !prefix.empty() && (prefix.back() == ' ' || prefix.back() == '\t');
  const bool ends_in_letter = !text.empty() && text.back() >= 'a' && text.back() <= 'z';
  if (recipe.letters_only && ends_in_blank && ends_in_letter) text += ' ';
  return text;
}

// Settings with every stage of cleaning switched off.
CorpusSettings no_stage() {
  CorpusSettings settings;
  settings.line_ends = LineEnds::kKeep;
  settings.normalization = Normalization::kNone;
  return settings;
}

template <class Visit>
void for_each_stage(const CorpusSettings& recipe, Visit visit) {
  const auto stage = [&](const char* name, auto CorpusSettings::*member) {
    CorpusSettings alone = no_stage();
    if (alone.*member == recipe.*member) return;
    alone.*member = recipe.*member;
    visit(name, alone);
  };
  stage("line_ends", &CorpusSettings::line_ends);
  stage("invisible_characters", &CorpusSettings::invisible_characters);
  stage("normalization", &CorpusSettings::normalization);
  stage("transliterate", &CorpusSettings::transliterate);
  stage("lower_case", &CorpusSettings::lower_case);
  stage("letters_only", &CorpusSettings::letters_only);
  stage("join_lines", &CorpusSettings::join_lines);
  stage("collapse_blanks", &CorpusSettings::collapse_blanks);
}

}  // namespace

CleanPrefix clean_prefix(std::string_view prefix, const CorpusSettings& recipe) {
  require_utf8(prefix, "the prefix");
  CleanPrefix clean{cleaned(prefix, recipe), {}};
  if (clean.text == prefix) return clean;
  for_each_stage(recipe, [&](const char* name, const CorpusSettings& alone) {
    if (prefix.size() > kLongPrefix || cleaned(prefix, alone) != prefix) clean.changed_by.emplace_back(name);
  });
  return clean;
}

}  // namespace charrnn
