// SPDX-License-Identifier: Apache-2.0
#include "space/view.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::space {
namespace {

bool atom_divides(const Atom& atom, std::int64_t block) {
  const std::int64_t span = atom.size * atom.stride;
  if (atom.size == 1) return true;
  if (block >= span) return block % span == 0;
  if (block <= atom.stride) return atom.stride % block == 0;
  return block % atom.stride == 0 && span % block == 0;
}

}  // namespace

bool divides_evenly(const View& view, std::int64_t block) {
  return std::all_of(view.atoms.begin(), view.atoms.end(), [block](const Atom& a) { return atom_divides(a, block); });
}

std::int64_t members_in_block(const View& view, std::int64_t block) {
  ZT_EXPECT(block >= 1, std::to_string(block));
  std::int64_t members = 1;
  for (const auto& atom : view.atoms) {
    // Borders of blocks lie at multiples of this from the first member: pieces between them hold multiples of cut / stride members.
    const auto cut = std::gcd(atom.size * atom.stride, block);
    if (cut % atom.stride == 0) members *= cut / atom.stride;
  }
  return members;
}

}  // namespace zettatwin::space
