// The learning rate falls where the validation loss no longer does: PyTorch's ReduceLROnPlateau with
// mode="min" and threshold_mode="rel". Where it stands travels in checkpoints.
#pragma once

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/config/settings.h"

namespace charrnn {

// Takes in a validation value. Better is below best * (1 - threshold); after more than `patience` values in a
// row that are not, the rate is multiplied by `factor`, but stays at final_fraction of it at least. A loss
// that is no number is not better. True where the rate was cut.
bool watch_plateau(PlateauState& state, double loss_nats, const ScheduleSettings& settings);

}  // namespace charrnn
