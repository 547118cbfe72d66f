// SPDX-License-Identifier: Apache-2.0
#include "calibration/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::Chip;
using hardware::Efficiency;
using hardware::Precision;

constexpr double kMicro = 1e-6, kNano = 1e-9, kPico = 1e-12, kMega = 1e6, kTera = 1e12;

// Collects parameters of one object of the chip's document, which `locate` finds in any copy of the chip.
template <class Object>
class List {
 public:
  using Locate = std::function<Object&(Chip&)>;
  List(std::string path, Locate locate) : path_(std::move(path)), locate_(std::move(locate)) {}

  template <units::Dimension D>
  List& add(const char* key, config::Figure<units::Quantity<D>> Object::*member, double typical, double low, double high, double spread) {
    const auto figure = [locate = locate_, member](Chip& chip) -> auto& { return locate(chip).*member; };
    list_.push_back({path_ + "." + key, D, typical, low, high, spread,
                     [figure, low, high](Chip chip) { return std::clamp(figure(chip).si(), low, high); },
                     [figure](Chip& chip, double si) {
                       figure(chip).value = units::Quantity<D>::from_si(si);
                       figure(chip).present = true;
                     },
                     [figure](Chip& chip) -> config::Provenance& { return figure(chip).provenance; }});
    return *this;
  }
  [[nodiscard]] std::vector<Parameter> take() { return std::move(list_); }

 private:
  std::string path_;
  Locate locate_;
  std::vector<Parameter> list_;
};

template <class Q>
config::Figure<Q> start(double si) {
  return {.value = Q::from_si(si), .provenance = {"ZT", config::Confidence::estimated, "typical of measured chips, where the timings begin to tell", 0, 0}, .present = true};
}
config::Figure<units::Ratio> ratio(double v) { return start<units::Ratio>(v); }
config::Figure<units::Seconds> us(double v) { return start<units::Seconds>(v * kMicro); }
config::Figure<units::Bytes> megabytes(double v) { return start<units::Bytes>(v * kMega); }

// A copy of what stood in for the family's entry, or `typical`.
template <class T>
void ensure(std::map<Precision, T>& table, Precision p, const T& typical) {
  if (table.contains(p)) return;
  const T* near = Efficiency::find_entry(table, p);
  const T copy = near ? *near : typical;
  table.emplace(p, copy);
}

std::vector<Parameter> gemm(Chip& chip, Precision p, const std::string& path) {
  using G = hardware::GemmEfficiency;
  auto& table = chip.efficiency.gemm;
  const bool own = table.contains(p);
  ensure(table, p, G{});
  // Kernels with block scales do not split k; where the entry is a copy it would inherit a pass that they lack.
  if (!own && (p == Precision::mxfp8 || p == Precision::fp4)) table.at(p).split = {};
  if (!table.at(p).write_cost.present) table.at(p).write_cost = ratio(1.1);
  List<G> list(path, [p](Chip& c) -> G& { return c.efficiency.gemm.at(p); });
  list.add("math", &G::math, 0.7, 0.05, 1, 0.15).add("launch", &G::launch, 2 * kMicro, 0.2 * kMicro, 50 * kMicro, 0.35).add("memory", &G::memory, 0.85, 0.2, 1, 0.1);
  list.add("k_latency", &G::k_latency, 0.14 * kMicro, kNano, 2 * kMicro, 0.3).add("half_bytes", &G::half_bytes, kMega, 0.01 * kMega, 50 * kMega, 0.7);
  list.add("l2_bandwidth", &G::l2_bandwidth, 30 * kTera, kTera, 200 * kTera, 0.5).add("ramp", &G::ramp, 0.3 * kMicro, 0.01 * kMicro, 20 * kMicro, 0.7).add("write_cost", &G::write_cost, 1.1, 1, 3, 0.2);
  if (table.at(p).split.present) list.add("split", &G::split, 3 * kMicro, 0.2 * kMicro, 20 * kMicro, 0.3);
  return list.take();
}

// Timings are of inference libraries: a chip that tells their kernels from those of training has them in a table of their own.
std::vector<Parameter> attention(Chip& chip, Precision p) {
  using A = hardware::AttentionEfficiency;
  const auto which = chip.efficiency.served_attention.empty() ? &Efficiency::attention : &Efficiency::served_attention;
  const auto path = fmt::format("efficiency.{}.{}", which == &Efficiency::attention ? "attention" : "served_attention", hardware::name_of(p));
  auto& table = chip.efficiency.*which;
  ensure(table, p, A{});
  if (!table.at(p).preparation.present) table.at(p).preparation = us(7);
  if (!table.at(p).preparation_memory.present) table.at(p).preparation_memory = ratio(0.9);
  List<A> list(path, [p, which](Chip& c) -> A& { return (c.efficiency.*which).at(p); });
  list.add("math", &A::math, 0.75, 0.05, 1, 0.15).add("preparation", &A::preparation, 8 * kMicro, 0.5 * kMicro, 50 * kMicro, 0.4).add("memory", &A::memory, 0.7, 0.1, 1, 0.3);
  list.add("softmax", &A::softmax, 30 * kPico, kPico, 200 * kPico, 0.3).add("tile", &A::tile, 2.5 * kMicro, 0.1 * kMicro, 20 * kMicro, 0.4);
  return list.add("preparation_memory", &A::preparation_memory, 0.9, 0.2, 1, 0.3).add("window_keys", &A::window_keys, 200, 1, 1024, 0.5).take();
}

std::vector<Parameter> decode(std::map<Precision, hardware::DecodeEfficiency> Efficiency::*table, Chip& chip, Precision p, const std::string& path) {
  using D = hardware::DecodeEfficiency;
  const D typical{us(7), ratio(0.9), megabytes(5), us(1), us(0.5), start<units::Seconds>(2 * kNano), us(0.8), ratio(64), ratio(2)};
  if (const auto* near = Efficiency::find_entry(chip.efficiency.decode, p); near && table == &Efficiency::decode_windowed) (chip.efficiency.*table).try_emplace(p, *near);
  ensure(chip.efficiency.*table, p, typical);
  auto& entry = (chip.efficiency.*table).at(p);
  if (!entry.split_waves.present) entry.split_waves = ratio(1);
  if (entry.resident.present && !entry.narrow.present) entry.narrow = us(1);
  List<D> list(path, [p, table](Chip& c) -> D& { return (c.efficiency.*table).at(p); });
  list.add("memory", &D::memory, 0.9, 0.2, 1, 0.1).add("launch", &D::launch, 7 * kMicro, 0.5 * kMicro, 30 * kMicro, 0.35);
  list.add("half_bytes", &D::half_bytes, 5 * kMega, 0.01 * kMega, 200 * kMega, 0.7).add("sequence", &D::sequence, kMicro, kNano, 20 * kMicro, 0.5);
  list.add("group", &D::group, 0.5 * kMicro, kNano, 20 * kMicro, 0.5).add("token", &D::token, 2 * kNano, 0.1 * kPico, 100 * kNano, 0.7);
  list.add("reduce", &D::reduce, 0.8 * kMicro, kNano, 20 * kMicro, 0.5).add("least_keys", &D::least_keys, 64, 1, 300, 0.7);
  if (!entry.resident.present) return list.add("split_waves", &D::split_waves, 2, 1, 20, 0.7).take();
  return list.add("resident", &D::resident, 2, 0.5, 8, 0.5).add("narrow", &D::narrow, kMicro, kNano, 20 * kMicro, 0.5).take();
}

std::vector<Parameter> decode_latent(Chip& chip, Precision p, const std::string& path) {
  using L = hardware::LatentDecodeEfficiency;
  ensure(chip.efficiency.decode_latent, p, {us(14), ratio(0.5), ratio(0.85), megabytes(30)});
  List<L> list(path, [p](Chip& c) -> L& { return c.efficiency.decode_latent.at(p); });
  list.add("math", &L::math, 0.5, 0.05, 1, 0.2).add("memory", &L::memory, 0.85, 0.2, 1, 0.1);
  return list.add("launch", &L::launch, 14 * kMicro, 0.5 * kMicro, 60 * kMicro, 0.35).add("half_bytes", &L::half_bytes, 30 * kMega, 0.01 * kMega, 300 * kMega, 0.7).take();
}

std::vector<Parameter> expert_layer(Chip& chip, Precision p, const std::string& path) {
  using E = hardware::ExpertLayerEfficiency;
  const E typical{ratio(0.7),   us(20),           ratio(0.85), megabytes(5), start<units::BytesPerSecond>(30 * kTera), us(0.1),
                  us(0.1),      ratio(0.4),       ratio(0.7),  start<units::Seconds>(100 * kPico)};
  ensure(chip.efficiency.expert_layer, p, typical);
  List<E> list(path, [p](Chip& c) -> E& { return c.efficiency.expert_layer.at(p); });
  list.add("math", &E::math, 0.7, 0.05, 1, 0.2).add("launch", &E::launch, 20 * kMicro, kMicro, 200 * kMicro, 0.35).add("memory", &E::memory, 0.85, 0.2, 1, 0.15);
  list.add("per_expert", &E::per_expert, 0.1 * kMicro, 0.1 * kNano, 5 * kMicro, 0.5).add("permute", &E::permute, 0.4, 0.02, 5, 0.5).add("combine", &E::combine, 0.7, 0.02, 20, 0.7);
  list.add("half_bytes", &E::half_bytes, 5 * kMega, 0.01 * kMega, 50 * kMega, 0.7).add("l2_bandwidth", &E::l2_bandwidth, 30 * kTera, kTera, 200 * kTera, 0.5);
  return list.add("k_latency", &E::k_latency, 0.1 * kMicro, kNano, 2 * kMicro, 0.4).add("per_choice", &E::per_choice, 100 * kPico, 0.01 * kPico, 20 * kNano, 0.7).take();
}

std::vector<Parameter> streamed(const std::string& path, List<hardware::StreamEfficiency>::Locate locate) {
  using S = hardware::StreamEfficiency;
  List<S> list(path, std::move(locate));
  list.add("memory", &S::memory, 0.5, 0.05, 1, 0.1).add("launch", &S::launch, 2 * kMicro, 0.2 * kMicro, 50 * kMicro, 0.35);
  return list.add("half_bytes", &S::half_bytes, kMega, 0.01 * kMega, 100 * kMega, 0.7).take();
}

std::vector<Parameter> dynamic_quantise(Chip& chip, Precision p, const std::string& path) {
  ensure(chip.efficiency.dynamic_quantise, p, {ratio(0.5), us(2), megabytes(1)});
  return streamed(path, [p](Chip& c) -> hardware::StreamEfficiency& { return c.efficiency.dynamic_quantise.at(p); });
}

}  // namespace

std::string Family::name() const {
  return kind == "stream" ? kind : fmt::format("{}.{}", kind, hardware::name_of(precision));
}

std::vector<Parameter> parameters_of(Chip& chip, const Family& family) {
  const auto path = "efficiency." + family.name();
  const auto p = family.precision;
  if (family.kind == "gemm") return gemm(chip, p, path);
  if (family.kind == "attention") return attention(chip, p);
  if (family.kind == "decode") return decode(&Efficiency::decode, chip, p, path);
  if (family.kind == "decode_multi_head") return decode(&Efficiency::decode_multi_head, chip, p, path);
  if (family.kind == "decode_windowed") return decode(&Efficiency::decode_windowed, chip, p, path);
  if (family.kind == "decode_latent") return decode_latent(chip, p, path);
  if (family.kind == "expert_layer") return expert_layer(chip, p, path);
  if (family.kind == "dynamic_quantise") return dynamic_quantise(chip, p, path);
  ZT_EXPECT(family.kind == "stream", "no figures belong to " + family.name());
  return streamed(path, [](Chip& c) -> hardware::StreamEfficiency& { return c.efficiency.stream; });
}

}  // namespace zettatwin::calibration
