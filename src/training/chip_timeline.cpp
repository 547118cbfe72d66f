// SPDX-License-Identifier: Apache-2.0
#include "training/chip_timeline.hpp"

namespace zettatwin::training {

std::string_view name_of(Stream stream) {
  switch (stream) {
    case Stream::computation: return "computation";
    case Stream::activations: return "activation messages";
    case Stream::parameters: return "parameter messages";
    case Stream::sends: return "pipeline sends";
  }
  return "?";
}

}  // namespace zettatwin::training
