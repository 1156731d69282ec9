// All settings of a run, with their defaults: one member for each section, which has its own header.
// settings_table.h lists them by name, with help, unit and range.
#pragma once

#include "charrnn/config/checkpoint_settings.h"
#include "charrnn/config/comm_settings.h"
#include "charrnn/config/corpus_settings.h"
#include "charrnn/config/evaluate_settings.h"
#include "charrnn/config/model_settings.h"
#include "charrnn/config/run_settings.h"
#include "charrnn/config/sample_settings.h"
#include "charrnn/config/train_settings.h"

namespace charrnn {

struct Settings {
  CorpusSettings corpus;
  ModelSettings model;
  TrainSettings train;
  EvaluateSettings evaluate;
  SampleSettings sample;
  CheckpointSettings checkpoint;
  RunSettings run;
  CommSettings comm;
};

}  // namespace charrnn
