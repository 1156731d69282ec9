// The prefixes that samples continue: cleaned as the corpus was, and checked before a run starts.
#pragma once

#include <string>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/text/prefix.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// sample.prefixes, cleaned as the corpus was (settings.corpus).
std::vector<std::string> cleaned_prefixes(const Settings& settings);

// Reports which of sample.prefixes cleaning changes. Throws Error (exit code 2) with the first that has a
// character which the vocabulary lacks, if sample.unknown_characters makes that an error.
void check_prefixes(const Settings& settings, const Vocabulary& vocabulary);

// Logs a line if cleaning changed a prefix: by which settings, and what it is now. `name`: "--prefix".
void report_cleaning(const std::string& name, const CleanPrefix& clean);

}  // namespace charrnn
