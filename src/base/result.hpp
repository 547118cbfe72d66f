// SPDX-License-Identifier: Apache-2.0
// Result<T, E>: a value, or why there is none. Debian 12's compiler has no std::expected in C++20; this alias is the
// one place to change when it does.
#pragma once

#include <tl/expected.hpp>

namespace zettatwin {

template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
[[nodiscard]] auto fail(E&& error) {
  return tl::make_unexpected(std::forward<E>(error));
}

}  // namespace zettatwin
