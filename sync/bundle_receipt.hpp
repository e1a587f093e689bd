// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/signature.hpp"
#include "storage/types.hpp"
#include "sync/bundle_format.hpp"

namespace sluice::sync {

inline constexpr std::string_view kReceiptMagic{"SLRCPT\r\n", 8};
inline constexpr std::uint32_t kReceiptFormat = 1;
inline constexpr std::string_view kReceiptPurpose = "sluice-receipt-1";
inline constexpr std::string_view kReceiptSuffix = ".receipt";

// What the hub has of one bundle: [from, to] of a lane, with a message from which the gateway's log
// makes its anchor. docs/bundle-format.md.
struct Receipt {
  std::string gateway;
  std::string shard;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;
  core::Seq to = 0;
  std::vector<BundlePiece> pieces;  // together [from, to]
  // The message of [from, to] with the highest hub-stream sequence; `acked` is `to`.
  storage::Anchor anchor;
  std::int64_t made_ns = 0;
  std::string program;
  core::PublicKey key{};  // who signed
};

std::string encode_receipt(Receipt receipt, const core::SigningKey& key);
// Checks the signature with the receipt's own key; whether to trust that is the caller's question.
// kCorrupt: no receipt, torn or altered; kUnsupported: a newer format.
core::Result<Receipt> decode_receipt(std::string_view bytes);

}  // namespace sluice::sync
