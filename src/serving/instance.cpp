// SPDX-License-Identifier: Apache-2.0
#include "serving/instance.hpp"

#include <algorithm>

#include "base/contract.hpp"
#include "serving/detail/engine.hpp"

namespace zettatwin::serving {

std::unique_ptr<Instance> make_instance(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options) {
  ZT_EXPECT(settings.blocks > 0 && settings.block_tokens > 0 && settings.max_sequences > 0, "an engine with a cache");
  ZT_EXPECT(settings.max_tokens >= settings.max_sequences * (1 + settings.speculation.draft), "decoding fits into a step");
  ZT_EXPECT(settings.prefix_tokens % settings.block_tokens == 0, "content is held in whole blocks");
  ZT_EXPECT(settings.bound_ranks <= 1 || settings.chunked_prefill || settings.longest_chunk() <= std::max<std::int64_t>(1, settings.max_tokens / settings.bound_ranks), "a prompt that is not cut fits into its rank's part");
  ZT_EXPECT(settings.preemption != Preemption::swap || settings.swap_tokens_per_s > 0, "swaps have a rate");
  return std::make_unique<detail::Engine>(std::move(settings), timer, observer, options);
}

}  // namespace zettatwin::serving
