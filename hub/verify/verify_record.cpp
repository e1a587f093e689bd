// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify_record.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "hub/verify/verify_json.hpp"
#include "hub/versions/durable_file.hpp"

namespace sluice::hub {

namespace fs = std::filesystem;
namespace json = core::json;
using core::Errc;
using core::fail;
using core::Result;

namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kSuffix = ".json";

template <class Number>
bool take(const json::object& from, const char* name, Number& out) {
  const json::value* value = from.if_contains(name);
  if (value == nullptr || !value->is_number()) return false;
  boost::system::error_code error;
  out = value->to_number<Number>(error);
  return !error;
}

}  // namespace

void VerifyRecord::set_report(const projection::Model& model, const VerifyReport& from) {
  rows = from.rows;
  differences = from.differences;
  unverifiable = from.unverifiable.size();
  report = report_json(model, from);
}

std::string write_record(const VerifyRecord& record) {
  return core::to_json(json::object{{"format", kFormat},
                                    {"version", record.version},
                                    {"serving_since_ns", record.serving_since_ns},
                                    {"sample", record.sample},
                                    {"began_ns", record.began_ns},
                                    {"ended_ns", record.ended_ns},
                                    {"duration_s", record.duration_s},
                                    {"rows", record.rows},
                                    {"differences", record.differences},
                                    {"unverifiable", record.unverifiable},
                                    {"report", record.report}});
}

Result<VerifyRecord> read_record(std::string_view text) {
  const auto parsed = core::parse_json(text);
  if (!parsed || !parsed->is_object())
    return fail(Errc::kCorrupt, "it is not the report of a verification");
  const json::object& from = parsed->get_object();
  std::int64_t format = 0;
  if (take(from, "format", format) && format > kFormat)
    return fail(Errc::kUnsupported, "it has format " + std::to_string(format) +
                                        ", this program knows " + std::to_string(kFormat));
  VerifyRecord out;
  const json::value* version = from.if_contains("version");
  const json::value* report = from.if_contains("report");
  if (format != kFormat || version == nullptr || !version->is_string() || report == nullptr ||
      !report->is_object() || !take(from, "serving_since_ns", out.serving_since_ns) ||
      !take(from, "sample", out.sample) || !take(from, "began_ns", out.began_ns) ||
      !take(from, "ended_ns", out.ended_ns) || !take(from, "duration_s", out.duration_s) ||
      !take(from, "rows", out.rows) || !take(from, "differences", out.differences) ||
      !take(from, "unverifiable", out.unverifiable))
    return fail(Errc::kCorrupt, "it is not the report of a verification");
  out.version = version->get_string();
  out.report = report->get_object();
  return out;
}

Result<void> VerifyShelf::keep(const std::string& model, VerifyRecord record) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return os_error("cannot make", folder_, error.value());
  if (json::value* findings = record.report.if_contains("findings");
      findings != nullptr && findings->is_array() && findings->get_array().size() > kFindingsKept)
    findings->get_array().resize(kFindingsKept);
  return write_file(folder_ / (model + std::string(kSuffix)), write_record(record) + "\n");
}

std::map<std::string, VerifyRecord> VerifyShelf::read(core::Logger& log) const {
  std::map<std::string, VerifyRecord> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder_, none)) {
    if (entry.path().extension() != kSuffix) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    auto record = read_record(text);
    if (record)
      out.emplace(entry.path().stem().string(), std::move(*record));
    else
      log.warning("verify", "the report of the last verification cannot be read: verify again",
                  {{"file", entry.path().string()}, {"error", record.error().message}});
  }
  return out;
}

}  // namespace sluice::hub
