// SPDX-License-Identifier: Apache-2.0
// A backlog by hand: export of a log's events into bundles and their import into a hub, beside zstd
// of the same events as lines of JSON.
//
//     bundle_bench [--events=1000000] [--level=3]
#include <zstd.h>

#include <cstring>
#include <fstream>

#include "bench/filled_log.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "storage/log_reader.hpp"
#include "sync/bundle_export.hpp"
#include "sync/bundle_import.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kBatch = 1000;

// Readings as a pump would send them: no two alike.
class Readings {
 public:
  storage::NewEvent next() {
    storage::NewEvent event;
    event.stream = {"pump", std::to_string(number_ % kStreams)};
    event.type = number_ % 50 == 0 ? "Started" : "Measured";
    pressure_ += (static_cast<double>(random_.below(2001)) - 1000.0) / 10'000.0;
    const std::string json = "{\"bar\": " + std::to_string(pressure_) +
                             ", \"rpm\": " + std::to_string(1400 + random_.below(200)) +
                             ", \"celsius\": " + std::to_string(40.0 + pressure_ / 3) +
                             ", \"mode\": \"" + (number_ % 7 == 0 ? "manual" : "auto") + "\"}";
    event.data = need(codec::json_to_data(json));
    event.id = workload_.next_id();
    ++number_;
    return event;
  }

 private:
  Workload workload_{Ids::kV7};
  core::SeededRandom random_{7};
  double pressure_ = 100;
  std::uint64_t number_ = 0;
};

void fill(const std::filesystem::path& folder, std::uint64_t events) {
  OpenLog log(folder);
  Readings readings;
  for (std::uint64_t done = 0; done < events; done += kBatch) {
    std::vector<storage::NewEvent> batch;
    for (std::uint64_t i = 0; i < kBatch; ++i) batch.push_back(readings.next());
    log.append(std::move(batch));
  }
}

struct Json {
  std::uint64_t bytes = 0;
  std::uint64_t packed = 0;
  double seconds = 0;
};

// As `zstd -3` does with one file: one frame. The time is zstd's alone.
Json packed_json(storage::LogReader& log, int level) {
  Json out;
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  std::string room(ZSTD_CStreamOutSize(), '\0');
  const auto feed = [&](std::string_view text, ZSTD_EndDirective mode) {
    const Stopwatch watch;
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    for (std::size_t left = 1; left != 0 || in.pos < in.size;) {
      ZSTD_outBuffer to{room.data(), room.size(), 0};
      left = ZSTD_compressStream2(context, &to, &in, mode);
      if (ZSTD_isError(left) != 0) give_up(ZSTD_getErrorName(left));
      out.packed += to.pos;
      if (mode == ZSTD_e_continue && in.pos == in.size) break;
    }
    out.seconds += watch.seconds();
  };
  std::string lines;
  for (core::Seq from = 1;;) {
    const auto rows = need(log.read_lane(core::Lane::kTelemetry, from));
    if (rows.empty()) break;
    lines.clear();
    for (const auto& row : rows) {
      codec::event_to_json(need(codec::decode_trusted(row.body)), lines);
      lines += '\n';
    }
    out.bytes += lines.size();
    feed(lines, ZSTD_e_continue);
    from = rows.back().seq + 1;
  }
  feed({}, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  return out;
}

void run(std::uint64_t events, int level) {
  const test::TempDir folder;
  const auto log_folder = folder / "log";
  const auto stick = folder / "stick";
  std::filesystem::create_directories(log_folder);
  std::filesystem::create_directories(stick);
  fill(log_folder, events);
  const auto log = need(storage::LogReader::open(log_folder));
  const auto key = core::SigningKey::generate();
  core::SystemClock clock;

  sync::ExportOrder order;
  order.folder = stick;
  order.lanes = {core::Lane::kTelemetry};
  order.level = level;
  const Stopwatch exporting;
  const auto report = need(sync::export_bundles(*log, order, key, clock));
  const double export_seconds = exporting.seconds();
  std::uint64_t items = 0;
  std::uint64_t bodies = 0;
  for (const auto& file : report.files) {
    items += file.trailer.events;
    bodies += file.trailer.bytes;
  }
  const auto count = static_cast<double>(items);
  const auto json = packed_json(*log, level);

  const Stopwatch verifying;
  for (const auto& file : report.files) need(sync::verify_bundle(file.path));
  const double verify_seconds = verifying.seconds();

  Hub hub;
  hub.make_stream();
  sync::ImportOrder import;
  for (const auto& file : report.files) import.files.push_back(file.path);
  import.trust = need(sync::TrustList::parse(
      std::string(kGateway) + " " + core::key_text(key.public_key()), "trust"));
  import.hub.login.urls = {hub.url()};
  import.receipt_key = &key;
  const Stopwatch importing;
  const auto imported = need(sync::import_bundles(import, clock, {}));
  const double import_seconds = importing.seconds();
  if (hub.messages() != items) give_up("the hub has other messages than the bundles");

  const std::string of = std::to_string(items) + " events";
  print({"bundle of " + of + ", " + std::to_string(report.files.size()) + " file(s)",
         static_cast<double>(report.bytes) / count, "B/event",
         "bodies: " + rounded(static_cast<double>(bodies) / count) + " B/event; zstd -" +
             std::to_string(level) + " of the same JSON lines (" +
             rounded(static_cast<double>(json.bytes) / count) +
             " B/event): " + rounded(static_cast<double>(json.packed) / count) + " B/event",
         static_cast<double>(report.bytes) / static_cast<double>(json.packed)});
  print({"export of " + of + " from the log, signed and synced", export_seconds, "s",
         "zstd alone, of the same JSON lines: " + rounded(json.seconds) + " s",
         export_seconds / json.seconds});
  print({"verifying the bundle of " + of, verify_seconds, "s", "", {}});
  print({"import of " + of + ", verified, published, acknowledged",
         import_seconds,
         "s",
         rounded(count / import_seconds) + " events/s",
         {}});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto events = static_cast<std::uint64_t>(arguments.number("events", 1'000'000));
  const long level = arguments.number("level", 3);
  arguments.finish();
  run(events, static_cast<int>(level));
}
