// The prefixes of samples: cleaned as the corpus was, and checked before a run starts.
#pragma once

#include <string>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/text/prefix.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// sample.prefixes, cleaned as the corpus was (settings.corpus).
std::vector<std::string> cleaned_prefixes(const Settings& settings);

// Reports which of sample.prefixes are changed by cleaning. Throws Error (kInput) for the first prefix
// with a character that the vocabulary lacks, if sample.unknown_characters is error.
void check_prefixes(const Settings& settings, const Vocabulary& vocabulary);

// Logs a line if cleaning changed a prefix: the settings that changed it, and the result. `name`: "--prefix".
void report_cleaning(const std::string& name, const CleanPrefix& clean);

}  // namespace charrnn
