// SPDX-License-Identifier: Apache-2.0
// Plots of judgements as SVG, for documents and pages: no script, no link, a white ground of their own.
#pragma once

#include <string>
#include <vector>

#include "validation/judge.hpp"

namespace zettatwin::validation {

struct PlotGroup {
  std::string name;
  std::vector<const Judgement*> rows;  // those with a prediction are drawn
};

// By group in the order of first rows, those with a prediction; rows that are scored apart are drawn with their group.
[[nodiscard]] std::vector<PlotGroup> plot_groups(const std::vector<const Judgement*>& judgements);

// Predicted over measured, both logarithmic, with the line of equality and the band of +-10 %. A group's rows of the metric that most of them have are drawn.
// `titles`: each dot says what it is when pointed at.
[[nodiscard]] std::string scatter_svg(const PlotGroup& group, bool titles);
// All groups in one picture.
[[nodiscard]] std::string scatters_svg(const std::vector<PlotGroup>& groups);

// Signed errors by group: a dot per row, a box from the first to the third quartile, the median. What is off by more than a factor of two lies at the edge.
[[nodiscard]] std::string errors_svg(const std::vector<PlotGroup>& groups, bool titles);

// Text for XML.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace zettatwin::validation
