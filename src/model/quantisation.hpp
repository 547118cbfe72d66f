// SPDX-License-Identifier: Apache-2.0
// In which number formats the weights of a config.json are published: its quantization_config, in the dialects of the tools that write one, or its dtype.
// Sources: the quantisers of huggingface/transformers (fp8, fbgemm_fp8, mxfp4, awq, gptq), compressed-tensors, and TensorRT Model Optimizer.
//
// A checkpoint is read as at most three formats: of attention's projections, of routed experts, and of everything else that is multiplied. A part counts as left
// wide if the lists of modules that are not converted name it for half of the layers at least; single layers and single small matrices do not.
#pragma once

#include "config/document.hpp"

namespace zettatwin::model {

// Adds weight_format, attention_format, expert_format and the groups of int4 of our own dialect to `own`, the translated config, as far as `config` or else `wrapper`, the document around
// it, says them. A quantisation that is not known or mixed is a warning that names it, and nothing is added.
void add_published_formats(const config::Node& config, const config::Node& wrapper, config::Node& own, config::Diagnostics& diagnostics);

}  // namespace zettatwin::model
