// SPDX-License-Identifier: Apache-2.0
#include "flow/max_min.hpp"

#include "flow/detail/max_min.hpp"

namespace zettatwin::flow {

template class SharingProblem<double>;
template class MaxMinSolver<double>;

}  // namespace zettatwin::flow
