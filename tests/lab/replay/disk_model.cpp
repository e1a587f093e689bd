// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/disk_model.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>

namespace sluice::lab {
namespace {

constexpr std::uint64_t kSector = 512;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_about_names(const DiskOp& op) {
  return op.kind == DiskOp::Kind::kLink || op.kind == DiskOp::Kind::kUnlink ||
         op.kind == DiskOp::Kind::kRename;
}

void apply_bytes(const DiskOp& op, const std::vector<bool>& sectors, std::string& content) {
  if (op.kind == DiskOp::Kind::kTruncate) {
    content.resize(op.at);
    return;
  }
  if (sectors.empty()) {
    if (content.size() < op.at + op.bytes.size()) content.resize(op.at + op.bytes.size());
    std::memcpy(content.data() + op.at, op.bytes.data(), op.bytes.size());
    return;
  }
  const std::uint64_t first = op.at / kSector;
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    if (!sectors[i]) continue;
    const std::uint64_t from = std::max(op.at, (first + i) * kSector);
    const std::uint64_t to = std::min(op.at + op.bytes.size(), (first + i + 1) * kSector);
    if (content.size() < to) content.resize(to);
    std::memcpy(content.data() + from, op.bytes.data() + (from - op.at), to - from);
  }
}

void apply_name(const DiskOp& op, std::map<std::string, FileId>& names) {
  switch (op.kind) {
    case DiskOp::Kind::kLink:
      names[op.path] = op.file;
      break;
    case DiskOp::Kind::kUnlink:
      names.erase(op.path);
      break;
    default:
      names.erase(op.path);
      names[op.to] = op.file;
  }
}

}  // namespace

DiskModel::DiskModel(const Tree& durable) {
  for (const auto& [path, content] : durable) {
    names_[path] = content ? static_cast<FileId>(files_.size()) : kFolder;
    if (content) files_.push_back(content);
  }
}

Content& DiskModel::content(FileId file) {
  static const Content kEmpty = std::make_shared<const std::string>();
  if (file >= files_.size()) files_.resize(file + 1, kEmpty);
  return files_[file];
}

void DiskModel::apply(const DiskOp& op) {
  if (op.kind == DiskOp::Kind::kSyncFile) {
    std::optional<std::string> bytes;
    std::erase_if(pending_, [&](const DiskOp* waiting) {
      if (is_about_names(*waiting) || waiting->file != op.file) return false;
      if (!bytes) bytes = *content(op.file);
      apply_bytes(*waiting, {}, *bytes);
      return true;
    });
    if (bytes) content(op.file) = std::make_shared<const std::string>(std::move(*bytes));
    return;
  }
  if (op.kind == DiskOp::Kind::kSyncFolder) {
    std::erase_if(pending_, [&](const DiskOp* waiting) {
      if (!is_about_names(*waiting) || folder_of(waiting->path) != op.path) return false;
      apply_name(*waiting, names_);
      return true;
    });
    return;
  }
  if (op.kind == DiskOp::Kind::kLink && op.file != kFolder) content(op.file);
  pending_.push_back(&op);
}

Tree DiskModel::none() const {
  return with({});
}

Tree DiskModel::all() const {
  std::vector<Kept> kept;
  for (const DiskOp* op : pending_) kept.push_back({op, {}});
  return with(kept);
}

Tree DiskModel::some(core::Random& random, std::uint64_t& choice) const {
  static constexpr std::uint64_t kOdds[] = {10, 50, 90};  // in a hundred
  const std::uint64_t odds = kOdds[random.below(3)];
  std::vector<Kept> kept;
  choice = 0xcbf29ce484222325;
  const auto note = [&](bool bit) { choice = (choice ^ (bit ? 3 : 2)) * 0x100000001b3; };
  for (const DiskOp* op : pending_) {
    const bool keep = random.below(100) < odds;
    note(keep);
    if (!keep) continue;
    Kept one{op, {}};
    if (op->kind == DiskOp::Kind::kWrite && op->bytes.size() > 1 && random.below(3) == 0) {
      const std::uint64_t sectors =
          (op->at + op->bytes.size() - 1) / kSector - op->at / kSector + 1;
      for (std::uint64_t i = 0; sectors > 1 && i < sectors; ++i) {
        one.sectors.push_back(random.below(2) == 0);
        note(one.sectors.back());
      }
    }
    kept.push_back(std::move(one));
  }
  return with(kept);
}

Tree DiskModel::with(const std::vector<Kept>& kept) const {
  std::unordered_map<FileId, std::string> changed;
  std::map<std::string, FileId> names = names_;
  for (const Kept& one : kept) {
    if (is_about_names(*one.op)) {
      apply_name(*one.op, names);
      continue;
    }
    auto found = changed.find(one.op->file);
    if (found == changed.end()) {
      const bool known = one.op->file < files_.size();
      found = changed.emplace(one.op->file, known ? *files_[one.op->file] : "").first;
    }
    apply_bytes(*one.op, one.sectors, found->second);
  }
  Tree tree;
  for (const auto& [path, file] : names) {
    // A name whose folder is not there is not there either.
    const std::string folder = folder_of(path);
    if (!folder.empty() && !tree.contains(folder)) continue;
    if (file == kFolder) {
      tree[path] = nullptr;
    } else if (const auto found = changed.find(file); found != changed.end()) {
      tree[path] = std::make_shared<const std::string>(found->second);
    } else {
      tree[path] = files_[file];
    }
  }
  return tree;
}

}  // namespace sluice::lab
