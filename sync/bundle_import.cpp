// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_import.hpp"

#include <algorithm>
#include <fstream>
#include <tuple>

#include "core/json.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/bundle_receipt.hpp"
#include "sync/bundle_writer.hpp"
#include "sync/hub_answers.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::uint64_t kItemsPerWord = 256;

// What of the pieces lies in [from, to].
std::vector<BundlePiece> cut(const std::vector<BundlePiece>& pieces, core::Seq from, core::Seq to) {
  std::vector<BundlePiece> out;
  for (const auto& piece : pieces)
    if (piece.to >= from && piece.from <= to)
      out.push_back({piece.epoch, std::max(piece.from, from), std::min(piece.to, to)});
  return out;
}

class Importer {
 public:
  Importer(const ImportOrder& order, const core::Clock& clock, const ImportProgress& progress)
      : order_(order),
        clock_(clock),
        progress_(progress),
        publisher_(order.hub, [this](const Item& item, const PubAck& ack) { acked(item, ack); }) {}

  Result<std::vector<ImportedFile>> run() {
    SLUICE_TRY(verify_all());
    SLUICE_TRY(look_at_hub());
    for (std::size_t first = 0; first < bundles_.size();) {
      std::size_t end = first;
      while (end < bundles_.size() &&
             bundles_[end].header.gateway == bundles_[first].header.gateway)
        ++end;
      SLUICE_TRY(import_gateway(first, end));
      first = end;
    }
    return std::move(done_);
  }

 private:
  Result<void> verify_all() {
    std::uint64_t total = 0;
    std::uint64_t before = 0;
    std::error_code unknown;
    for (const auto& path : order_.files) total += fs::file_size(path, unknown);
    for (const auto& path : order_.files) {
      auto bundle = verify_bundle(path, [&](std::uint64_t bytes) {
        if (progress_.verifying) progress_.verifying(before + bytes, total);
      });
      if (!bundle) return bundle.error();
      SLUICE_TRY(check_sender(*bundle));
      before += bundle->file_bytes;
      bundles_.push_back(std::move(*bundle));
    }
    std::sort(bundles_.begin(), bundles_.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.header.gateway, core::index(a.header.lane), a.header.from, a.path) <
             std::tuple(b.header.gateway, core::index(b.header.lane), b.header.from, b.path);
    });
    return {};
  }

  Result<void> check_sender(const VerifiedBundle& bundle) const {
    const auto& header = bundle.header;
    if (!order_.trust.trusts(header.gateway, header.key)) {
      const std::string line = header.gateway + " " + core::key_text(header.key);
      return fail(Errc::kUnauthorized,
                  bundle.path.string() + ": signed with a key that is not trusted for gateway " +
                      header.gateway + " (fingerprint " + core::fingerprint(header.key) + "); " +
                      (order_.trust.knows(header.gateway)
                           ? "it is known with another key: ask at the gateway, "
                           : "compare it with 'sluice bundle key' at the gateway, ") +
                      "then add the line '" + line + "' to the file of --trust");
    }
    if (header.shard != order_.shard)
      return fail(Errc::kBadRequest, bundle.path.string() + ": its gateway belongs to shard " +
                                         header.shard + ", not " + order_.shard +
                                         ": import it with --shard " + header.shard);
    return {};
  }

  Result<void> look_at_hub() {
    const auto hub = publisher_.connection();
    if (!hub) return hub.error();
    const std::string name = core::hub_stream_name(order_.shard);
    const auto answer = (*hub)->request("$JS.API.STREAM.INFO." + name, {}, 10s);
    if (!answer) return answer.error();
    auto info = read_stream_info(name, *answer);
    if (!info) return info.error();
    hub_ = std::move(*info);
    return {};
  }

  fs::path receipt_of(const VerifiedBundle& bundle) const {
    const fs::path name = bundle.path.filename().string() + std::string(kReceiptSuffix);
    return (order_.receipt_folder.empty() ? bundle.path.parent_path() : order_.receipt_folder) /
           name;
  }

  // Where to begin: behind what our own receipt says is there, in the hub stream as it is now.
  core::Seq beginning(const VerifiedBundle& bundle) const {
    if (order_.receipt_key == nullptr) return bundle.header.from;
    std::error_code ignored;  // a stream would throw at a folder
    if (!fs::is_regular_file(receipt_of(bundle), ignored)) return bundle.header.from;
    std::ifstream file(receipt_of(bundle), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const auto receipt = decode_receipt(bytes);
    if (!receipt || receipt->key != order_.receipt_key->public_key() ||
        receipt->gateway != bundle.header.gateway || receipt->lane != bundle.header.lane ||
        receipt->from != bundle.header.from || receipt->to > bundle.trailer.to ||
        receipt->anchor.created != hub_.created || receipt->anchor.hub_stream != hub_.name ||
        receipt->anchor.hub_seq > hub_.last_seq ||
        receipt->pieces != cut(bundle.trailer.pieces, receipt->from, receipt->to))
      return bundle.header.from;
    top_ = receipt->anchor;
    return receipt->to + 1;
  }

  Result<void> import_gateway(std::size_t first, std::size_t end) {
    bool anything = false;
    for (std::size_t i = first; i < end; ++i)
      anything = anything || beginning(bundles_[i]) <= bundles_[i].trailer.to;
    const auto& header = bundles_[first].header;
    ImportTurn turn(header.gateway, header.epochs.back(), order_.turn, [this](const auto& words) {
      if (progress_.notice) progress_.notice(words);
    });
    Result<void> result;
    if (anything) {
      const auto hub = publisher_.connection();
      if (!hub) return hub.error();
      result = turn.take(**hub);
    }
    for (std::size_t i = first; result && i < end; ++i) result = import_file(bundles_[i], turn);
    if (anything)
      if (const auto hub = publisher_.connection(); hub) turn.release(**hub);
    return result;
  }

  Result<void> import_file(const VerifiedBundle& bundle, ImportTurn& turn) {
    const auto& header = bundle.header;
    top_.reset();
    ImportedFile& out = done_.emplace_back();
    out.path = bundle.path;
    out.gateway = header.gateway;
    out.lane = header.lane;
    out.from = header.from;
    out.to = bundle.trailer.to;
    const core::Seq begin = beginning(bundle);
    if (begin > bundle.trailer.to) {
      out.receipt = receipt_of(bundle);
      return {};
    }
    out.begun_at = begin;
    // Its log does not know the epoch that the gateway runs now: another card has taken its place.
    out.is_late = turn.running() && std::find(header.epochs.begin(), header.epochs.end(),
                                              *turn.running()) == header.epochs.end();
    acked_to_ = begin - 1;
    auto written = std::chrono::steady_clock::now();
    const auto read = read_items(bundle, begin, [&](Item item) -> Result<void> {
      SLUICE_TRY(publisher_.publish(std::move(item), out.is_late));
      if (++out.published % kItemsPerWord != 0) return {};
      if (progress_.publishing)
        progress_.publishing(acked_to_ - header.from + 1, out.to - header.from + 1);
      const auto hub = publisher_.connection();
      if (hub) (void)turn.renew(**hub);  // a turn that is lost costs traffic, not events
      if (std::chrono::steady_clock::now() - written < order_.receipt_every) return {};
      written = std::chrono::steady_clock::now();
      return write_receipt(bundle, out);
    });
    if (!read) return read.error();
    SLUICE_TRY(publisher_.drain());
    if (progress_.publishing)
      progress_.publishing(out.to - header.from + 1, out.to - header.from + 1);
    return write_receipt(bundle, out);
  }

  void acked(const Item& item, const PubAck& ack) {
    acked_to_ = item.to;
    if (ack.duplicate && !done_.empty()) ++done_.back().duplicates;
    if (top_ && ack.hub_seq <= top_->hub_seq) return;
    top_ = storage::Anchor{item.to,   hub_.name,   hub_.created, item.epoch,
                           item.from, ack.hub_seq, item.subject, item.identity};
  }

  Result<void> write_receipt(const VerifiedBundle& bundle, ImportedFile& out) {
    if (order_.receipt_key == nullptr || !top_ || acked_to_ < bundle.header.from) return {};
    Receipt receipt;
    receipt.gateway = bundle.header.gateway;
    receipt.shard = bundle.header.shard;
    receipt.lane = bundle.header.lane;
    receipt.from = bundle.header.from;
    receipt.to = acked_to_;
    receipt.pieces = cut(bundle.trailer.pieces, receipt.from, receipt.to);
    receipt.anchor = *top_;
    receipt.anchor.acked = receipt.to;
    receipt.made_ns = clock_.wall_ns();
    receipt.program = SLUICE_VERSION;
    out.receipt = receipt_of(bundle);
    return write_file_durably(out.receipt, encode_receipt(receipt, *order_.receipt_key));
  }

  const ImportOrder& order_;
  const core::Clock& clock_;
  const ImportProgress& progress_;
  HubStream hub_;
  std::vector<VerifiedBundle> bundles_;
  std::vector<ImportedFile> done_;
  core::Seq acked_to_ = 0;
  mutable std::optional<storage::Anchor> top_;  // of the file at hand
  BundlePublisher publisher_;
};

}  // namespace

Result<TrustList> TrustList::parse(std::string_view text, const std::string& file) {
  TrustList out;
  std::size_t number = 0;
  for (std::string_view line : core::split(text, '\n')) {
    ++number;
    line = line.substr(0, line.find('#'));
    std::string from_json;  // as 'sluice bundle key' writes it into a file
    if (line.starts_with('{')) {
      const auto value = core::parse_json(line);
      const auto* object = value ? value->if_object() : nullptr;
      const auto text_at = [&](const char* name) {
        const auto* at = object == nullptr ? nullptr : object->if_contains(name);
        return at != nullptr && at->is_string() ? std::string(at->get_string()) : std::string();
      };
      from_json = text_at("gateway") + " " + text_at("key");
      line = from_json;
    }
    std::vector<std::string_view> words;
    for (const auto word : core::split(line, ' '))
      if (const auto end = word.find_last_not_of(" \t\r"); end != std::string_view::npos)
        words.push_back(word.substr(0, end + 1));
    if (words.empty()) continue;
    const auto where = file + ":" + std::to_string(number) + ": ";
    const auto gateway = core::GatewayId::parse(words[0]);
    if (words.size() != 2 || !gateway)
      return fail(Errc::kConfig, where +
                                     "a line is '<gateway> <public key>', as 'sluice bundle "
                                     "key' prints it");
    const auto key = core::parse_public_key(words[1]);
    if (!key) return fail(Errc::kConfig, where + key.error().message);
    out.keys_[gateway->text()].push_back(*key);
  }
  return out;
}

bool TrustList::trusts(const std::string& gateway, const core::PublicKey& key) const {
  const auto found = keys_.find(gateway);
  return found != keys_.end() &&
         std::find(found->second.begin(), found->second.end(), key) != found->second.end();
}

Result<std::vector<ImportedFile>> import_bundles(const ImportOrder& order, const core::Clock& clock,
                                                 const ImportProgress& progress) {
  return Importer(order, clock, progress).run();
}

}  // namespace sluice::sync
