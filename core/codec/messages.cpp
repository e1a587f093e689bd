// SPDX-License-Identifier: Apache-2.0
#include "core/codec/messages.hpp"

#include <msgpack.hpp>

#include "core/codec/buffer.hpp"

namespace sluice::codec {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using Packer = msgpack::packer<StringSink>;

constexpr std::uint32_t kReportFormat = 1;
constexpr std::uint32_t kReportFields = 13;
constexpr std::uint32_t kNeedFormat = 1;
constexpr std::size_t kMessageBytesMax = 1024;

std::string cut(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return std::string(text);
  while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xc0) == 0x80) --size_max;
  return std::string(text.substr(0, size_max));
}

// These messages are small and rare, so msgpack-c's own object tree is the plain way to read them.
Result<msgpack::object_handle> unpack(std::string_view bytes, const char* what) {
  const auto bad = [&] { return fail(Errc::kCorrupt, std::string(what) + " is not readable"); };
  if (bytes.empty() || bytes.size() > kMessageBytesMax) return bad();
  try {
    return msgpack::unpack(bytes.data(), bytes.size(), nullptr, nullptr,
                           msgpack::unpack_limit(64, 64, 512, 512, 0, 4));
  } catch (const std::exception&) {
    return bad();
  }
}

// What a later program puts there is ignored.
std::optional<Report::Turn> read_turn(const msgpack::object& from) {
  if (from.type != msgpack::type::ARRAY || from.via.array.size != 2) return std::nullopt;
  const auto& importer = from.via.array.ptr[0];
  const auto& state = from.via.array.ptr[1];
  if (importer.type != msgpack::type::STR || state.type != msgpack::type::POSITIVE_INTEGER ||
      state.via.u64 > 2)
    return std::nullopt;
  return Report::Turn{importer.as<std::string>(), static_cast<Report::Turn::State>(state.via.u64)};
}

}  // namespace

std::string encode_report(const Report& report) {
  std::string out;
  StringSink sink{&out};
  Packer packer(sink);
  packer.pack_array(kReportFields + (report.turn ? 1 : 0));
  packer.pack(kReportFormat);
  packer.pack(report.gateway);
  packer.pack(cut(report.machine, 48));
  packer.pack(report.epoch.text());
  packer.pack_array(core::kLaneCount);
  for (const auto& lane : report.lanes) {
    packer.pack_array(2);
    packer.pack_uint64(lane.last);
    packer.pack_uint64(lane.acked);
  }
  packer.pack_uint64(report.disk_free_bytes);
  packer.pack_uint64(report.disk_total_bytes);
  packer.pack_int64(report.wall_ns);
  packer.pack(report.clock_trusted);
  packer.pack_uint64(report.started_ns_ago);
  packer.pack(cut(report.program_version, 24));
  packer.pack(cut(report.last_error, report.turn ? 72 : 96));
  packer.pack(report.stopped_as_clone);
  if (report.turn) {
    packer.pack_array(2);
    packer.pack(cut(report.turn->importer, 16));
    packer.pack_uint8(static_cast<std::uint8_t>(report.turn->state));
  }
  return out;
}

Result<Report> decode_report(std::string_view bytes) {
  const auto handle = unpack(bytes, "a report");
  if (!handle) return handle.error();
  try {
    const auto& all = handle->get().via.array;
    if (handle->get().type != msgpack::type::ARRAY || all.size < kReportFields)
      return fail(Errc::kCorrupt, "a report is not an array of 13");
    if (all.ptr[0].as<std::uint32_t>() != kReportFormat)
      return fail(Errc::kUnsupported, "a report has a newer format");
    Report report;
    report.gateway = all.ptr[1].as<std::string>();
    report.machine = all.ptr[2].as<std::string>();
    const auto epoch = core::Epoch::parse(all.ptr[3].as<std::string>());
    if (!epoch) return epoch.error();
    report.epoch = *epoch;
    const auto lanes = all.ptr[4].as<std::vector<std::vector<std::uint64_t>>>();
    if (lanes.size() != core::kLaneCount)
      return fail(Errc::kCorrupt, "a report does not have 4 lanes");
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      if (lanes[i].size() != 2) return fail(Errc::kCorrupt, "a report's lane is not [last, acked]");
      report.lanes[i] = {lanes[i][0], lanes[i][1]};
    }
    report.disk_free_bytes = all.ptr[5].as<std::uint64_t>();
    report.disk_total_bytes = all.ptr[6].as<std::uint64_t>();
    report.wall_ns = all.ptr[7].as<std::int64_t>();
    report.clock_trusted = all.ptr[8].as<bool>();
    report.started_ns_ago = all.ptr[9].as<std::uint64_t>();
    report.program_version = all.ptr[10].as<std::string>();
    report.last_error = all.ptr[11].as<std::string>();
    report.stopped_as_clone = all.ptr[12].as<bool>();
    if (all.size > kReportFields) report.turn = read_turn(all.ptr[kReportFields]);
    return report;
  } catch (const msgpack::type_error&) {
    return fail(Errc::kCorrupt, "a report holds a field of another type");
  }
}

std::string encode_need(const Need& need) {
  std::string out;
  StringSink sink{&out};
  Packer packer(sink);
  packer.pack_array(5);
  packer.pack(kNeedFormat);
  packer.pack(need.epoch.text());
  packer.pack(std::string(core::lane_name(need.lane)));
  packer.pack_uint64(need.from);
  packer.pack_uint64(need.to);
  return out;
}

Result<Need> decode_need(std::string_view bytes) {
  const auto handle = unpack(bytes, "a need");
  if (!handle) return handle.error();
  try {
    const auto& all = handle->get().via.array;
    if (handle->get().type != msgpack::type::ARRAY || all.size < 5)
      return fail(Errc::kCorrupt, "a need is not an array of 5");
    if (all.ptr[0].as<std::uint32_t>() != kNeedFormat)
      return fail(Errc::kUnsupported, "a need has a newer format");
    const auto epoch = core::Epoch::parse(all.ptr[1].as<std::string>());
    const auto lane = core::parse_lane(all.ptr[2].as<std::string>());
    if (!epoch) return epoch.error();
    if (!lane) return lane.error();
    const Need need{*epoch, *lane, all.ptr[3].as<std::uint64_t>(), all.ptr[4].as<std::uint64_t>()};
    if (need.from == 0 || need.to < need.from)
      return fail(Errc::kCorrupt, "a need has no valid range");
    return need;
  } catch (const msgpack::type_error&) {
    return fail(Errc::kCorrupt, "a need holds a field of another type");
  }
}

}  // namespace sluice::codec
