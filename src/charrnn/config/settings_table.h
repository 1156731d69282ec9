// The table of all settings, in the order in which they are printed. Whatever reads, prints, explains or
// compares settings is a visitor of it.
#pragma once

#include <functional>
#include <string_view>

#include "charrnn/config/setting.h"
#include "charrnn/config/settings.h"

namespace charrnn {

class SettingsVisitor {
 public:
  virtual ~SettingsVisitor() = default;
  virtual void setting(Setting& setting) = 0;
  // Settings below `name`: `visit` shows them to a visitor.
  virtual void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) = 0;
};

void visit(Settings& settings, SettingsVisitor& visitor);
void visit(CorpusSettings& settings, SettingsVisitor& visitor);

}  // namespace charrnn
