// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/signature.hpp"
#include "sync/outbox.hpp"

// The parts of a bundle file, docs/bundle-format.md byte by byte. Pure.
namespace sluice::sync {

inline constexpr std::string_view kBundleMagic{"SLBNDL\r\n", 8};
inline constexpr std::uint32_t kBundleFormat = 1;
inline constexpr std::string_view kBundlePurpose = "sluice-bundle-1";
inline constexpr std::string_view kBundleSuffix = ".slb";

inline constexpr std::size_t kHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kTrailerBytesMax = 4u << 20;
inline constexpr std::size_t kBlockBytes = 4u << 20;       // what a writer fills a block to
inline constexpr std::size_t kBlockBytesMax = 8u << 20;    // what a reader takes, unpacked
inline constexpr std::size_t kPackedBytesMax = 16u << 20;  // and packed
inline constexpr std::size_t kRecordHeadBytes = 12;  // size, correction of the clock

// What is known before the first event: who made the file, and of what.
struct BundleHeader {
  std::string gateway;
  std::string shard;
  core::Lane lane = core::Lane::kTelemetry;
  std::string machine;              // empty if the log was read on another one
  std::vector<core::Epoch> epochs;  // all that the log knows, oldest first
  core::Seq from = 0;               // the first seq in the file
  core::Seq acked = 0;              // the log's cursor then
  core::Seq last = 0;               // the log's last seq then
  std::int64_t made_ns = 0;         // by the clock of the machine that made it
  std::string program;              // its version
  core::PublicKey key{};            // who signed
};
std::string encode_header(const BundleHeader& header);
core::Result<BundleHeader> decode_header(std::string_view bytes);  // kCorrupt

// A run of seqs within one epoch.
struct BundlePiece {
  core::Epoch epoch;
  core::Seq from = 0;
  core::Seq to = 0;
  bool operator==(const BundlePiece&) const = default;
};

// What is known after the last one.
struct BundleTrailer {
  core::Seq to = 0;
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;     // gap records
  std::uint64_t missing = 0;  // seqs that they stand for
  std::uint64_t bytes = 0;    // of all bodies
  std::uint64_t blocks = 0;
  std::vector<BundlePiece> pieces;  // in order; together from the header's `from` to `to`
  bool operator==(const BundleTrailer&) const = default;
};
std::string encode_trailer(const BundleTrailer& trailer);
core::Result<BundleTrailer> decode_trailer(std::string_view bytes);  // kCorrupt

// "plant-7-telemetry-00000000000000000042-0f3a5c7e91b2d4f6.slb"
std::string bundle_name(const BundleHeader& header, core::Epoch first_epoch);

void append_u32(std::string& out, std::uint32_t value);  // little endian
void append_i64(std::string& out, std::int64_t value);
std::int64_t read_i64(std::string_view bytes);   // of the first eight bytes
std::uint32_t read_u32(std::string_view bytes);  // of the first four bytes

// Counts what goes through a file, and checks that it is one lane's items in order. The same for
// who writes and who reads.
class BundleTally {
 public:
  explicit BundleTally(const BundleHeader& header) : header_(header), next_(header.from) {}
  // The body of the next item. kCorrupt: it is none, or not the one whose turn it is.
  core::Result<Item> add(std::string body, std::int64_t clock_ns);
  const BundleTrailer& sums() const { return sums_; }
  void block() { ++sums_.blocks; }

 private:
  core::Result<void> check_epoch(const core::EventView& event, bool opens);
  const BundleHeader& header_;
  core::Seq next_;
  BundleTrailer sums_;
};

}  // namespace sluice::sync
