// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/signature.hpp"
#include "sync/bundle_publisher.hpp"
#include "sync/bundle_reader.hpp"
#include "sync/import_turn.hpp"

namespace sluice::sync {

// Whose bundles are taken: lines "<gateway> <public key>", '#' begins a comment. A gateway may have
// several keys. kConfig names the line.
class TrustList {
 public:
  static core::Result<TrustList> parse(std::string_view text, const std::string& file);
  bool trusts(const std::string& gateway, const core::PublicKey& key) const;
  bool knows(const std::string& gateway) const { return keys_.contains(gateway); }

 private:
  std::map<std::string, std::vector<core::PublicKey>> keys_;
};

struct ImportOrder {
  std::vector<std::filesystem::path> files;
  TrustList trust;
  std::string shard = "main";
  BundlePublisher::Options hub;
  ImportTurn::Timing turn;
  const core::SigningKey* receipt_key =
      nullptr;                           // without one no receipts are written or looked for
  std::filesystem::path receipt_folder;  // empty: beside each file
  std::chrono::milliseconds receipt_every{5000};  // empty: beside each file
};

struct ImportedFile {
  std::filesystem::path path;
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;
  core::Seq to = 0;
  core::Seq begun_at = 0;        // above `from` where an interrupted run went on; 0: nothing to do
  std::uint64_t published = 0;   // messages
  std::uint64_t duplicates = 0;  // of these, those that the hub knew from a short while ago
  bool is_late = false;
  std::filesystem::path receipt;
};

struct ImportProgress {
  std::function<void(std::uint64_t done, std::uint64_t total)> verifying;   // bytes
  std::function<void(std::uint64_t done, std::uint64_t total)> publishing;  // seqs
  std::function<void(const std::string& words)> notice;
};

// Verifies every file, whole, before the first message is published. Then, gateway by gateway,
// takes the turn, publishes each lane in order, and writes a receipt for each file (and, now and
// then, for the part that is done, so that an interrupted run goes on there). kUnauthorized: a key
// that is not trusted. kBadRequest: another shard. Others as verify_bundle() and BundlePublisher.
core::Result<std::vector<ImportedFile>> import_bundles(const ImportOrder& order,
                                                       const core::Clock& clock,
                                                       const ImportProgress& progress);

}  // namespace sluice::sync
