// The table of all settings, in the order in which they are printed. Code that reads, prints, explains or
// compares settings visits this table.
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
  // The settings below `name`: `visit` passes them to a visitor.
  virtual void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) = 0;
};

void visit(Settings& settings, SettingsVisitor& visitor);
void visit(CorpusSettings& settings, SettingsVisitor& visitor);

}  // namespace charrnn
