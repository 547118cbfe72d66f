// SPDX-License-Identifier: Apache-2.0
#include "api/serve_traffic.hpp"

#include <fmt/format.h>

#include <cmath>

#include "requests/traffic_spec.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using requests::Request;
using requests::Stream;

// A stream that asks one of several models.
class OfModel final : public Stream {
 public:
  OfModel(std::unique_ptr<Stream> from, std::int32_t model) : from_(std::move(from)), model_(model) {}

  bool next(Request& request) override {
    if (!from_->next(request)) return false;
    request.model = model_;
    return true;
  }
  std::unique_ptr<Stream> fresh() const override { return std::make_unique<OfModel>(from_->fresh(), model_); }
  std::unique_ptr<Stream> part(requests::Part part) const override { return std::make_unique<OfModel>(from_->part(part), model_); }
  std::optional<std::int64_t> size() const override { return from_->size(); }
  std::int64_t block_tokens() const override { return from_->block_tokens(); }
  std::int64_t concurrency() const override { return from_->concurrency(); }
  requests::Means means() const override { return from_->means(); }

 private:
  std::unique_ptr<Stream> from_;
  std::int32_t model_;
};

// So many digits, whole numbers with commas instead of an exponent.
std::string plain(double value, int digits) { return value >= std::pow(10, digits) && value < 1e18 ? units::grouped(std::llround(value)) : fmt::format("{:.{}g}", value, digits); }

std::string words_of(const Stream& stream, const std::string& what) {
  const auto means = stream.means();
  std::string out = what;
  if (stream.concurrency() > 0) out += fmt::format(", {} requests at a time", units::grouped(stream.concurrency()));
  else if (std::isfinite(means.rate.si()) && means.rate.si() > 0) out += fmt::format(", {} requests/s", plain(means.rate.si(), 4));
  if (const auto size = stream.size()) out += fmt::format(", {} requests", units::grouped(*size));
  if (std::isfinite(means.input)) out += fmt::format("; {} prompt and {} output tokens on average", plain(means.input, 5), plain(means.output, 5));
  return out;
}

// A path in a scenario file is relative to that file, or to where the user is.
std::string beside(const std::string& path, const config::Location& where) {
  const auto slash = where.file ? where.file->rfind('/') : std::string::npos;
  return path.starts_with('/') || slash == std::string::npos ? path : where.file->substr(0, slash + 1) + path;
}

std::string what_of(const requests::TrafficSpec& spec) {
  if (spec.trace) return "trace " + spec.trace->file;
  if (spec.concurrency > 0) return "closed loop";
  return fmt::format("{}{}{}", config::word_of(requests::arrival_words(), spec.arrivals), spec.diurnal ? ", diurnal" : "", spec.sessions ? ", conversations" : "");
}

}  // namespace

std::optional<Traffic> traffic_from(const config::Node& node, std::int32_t model, const std::vector<std::string>& models, std::int64_t seed, const requests::TraceFiles& files,
                                    config::Diagnostics& diagnostics) {
  if (!node.is_mapping()) {
    diagnostics.error(node.where, "the scenario lacks 'traffic'", "requests decide what a fleet does", "write traffic: {rate: 10 requests/s, input: 1024, output: 256}, or --rate, --concurrency or --trace");
    return std::nullopt;
  }
  auto spec = requests::read_traffic(node, diagnostics);
  if (!spec) return std::nullopt;
  if (!node.find("seed")) spec->seed = seed;
  if (spec->trace) {
    const auto near = beside(spec->trace->file, node.find("trace")->where);
    if (files.open(near) || !files.list(near).empty()) spec->trace->file = near;
  }
  auto stream = requests::open_traffic(*spec, files, models, diagnostics);
  if (!stream) return std::nullopt;
  const bool names_models = spec->trace && spec->trace->format == requests::TraceFormat::requests && models.size() > 1;
  Traffic traffic;
  if (names_models || (model == 0 && models.size() == 1)) traffic.stream = std::move(stream);
  else traffic.stream = std::make_shared<OfModel>(std::move(stream), model);
  traffic.words = words_of(*traffic.stream, what_of(*spec));
  traffic.endless = spec->concurrency == 0 && spec->requests == 0 && spec->duration.si() == 0 && !traffic.stream->size();
  return traffic;
}

}  // namespace zettatwin::api
