// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/recorder.hpp"

#include <fcntl.h>

#include <string_view>

namespace sluice::lab {

Recorder::Recorder(std::filesystem::path root, const Tree& before) : root_(root.string() + "/") {
  for (const auto& [path, content] : before) names_[path] = content ? next_++ : kFolder;
}

std::size_t Recorder::size() const {
  const std::lock_guard lock(mutex_);
  return ops_.size();
}

bool Recorder::ours(const FileCall& call) const {
  if (call.path == nullptr) return fds_.contains(call.fd);
  const std::string_view path = call.path;
  return path.starts_with(root_) || path == std::string_view(root_).substr(0, root_.size() - 1);
}

std::string Recorder::relative(const char* path) const {
  const std::string_view text = path;
  return text.size() < root_.size() ? "" : std::string(text.substr(root_.size()));
}

int Recorder::before(const FileCall& call) {
  const std::lock_guard lock(mutex_);
  if (!ours(call)) return 0;
  const auto asked = fault;
  return asked ? asked(call) : 0;
}

void Recorder::after(const FileCall& call) {
  const std::lock_guard lock(mutex_);
  if (!ours(call)) return;
  if (call.path != nullptr && std::string_view(call.path).ends_with("-shm")) {
    if (call.kind == CallKind::kOpen) fds_[call.fd] = {0, "", true};
    return;
  }
  if (call.path == nullptr && fds_.at(call.fd).is_shm) return;
  DiskOp op;
  switch (call.kind) {
    case CallKind::kOpen:
      return opened(call);
    case CallKind::kWrite:
      op.kind = DiskOp::Kind::kWrite;
      op.file = fds_.at(call.fd).file;
      op.at = static_cast<std::uint64_t>(call.at);
      op.bytes.assign(static_cast<const char*>(call.bytes), call.size);
      break;
    case CallKind::kTruncate:
      op.kind = DiskOp::Kind::kTruncate;
      op.file = fds_.at(call.fd).file;
      op.at = call.size;
      break;
    case CallKind::kSync: {
      const Opened& target = fds_.at(call.fd);
      op.kind = target.file == kFolder ? DiskOp::Kind::kSyncFolder : DiskOp::Kind::kSyncFile;
      op.file = target.file;
      op.path = target.path;
      break;
    }
    case CallKind::kUnlink:
      op.kind = DiskOp::Kind::kUnlink;
      op.path = relative(call.path);
      names_.erase(op.path);
      break;
    case CallKind::kRename:
      op.kind = DiskOp::Kind::kRename;
      op.path = relative(call.path);
      op.to = relative(call.to);
      op.file = names_.at(op.path);
      names_.erase(op.path);
      names_[op.to] = op.file;
      break;
    case CallKind::kMkdir:
      op.kind = DiskOp::Kind::kLink;
      op.path = relative(call.path);
      op.file = kFolder;
      if (op.path.empty()) return;  // the recorded folder itself: it is given
      names_[op.path] = kFolder;
      break;
  }
  ops_.push_back(std::move(op));
}

void Recorder::opened(const FileCall& call) {
  const std::string path = relative(call.path);
  auto known = names_.find(path);
  const bool made = call.made_file && (call.flags & O_DIRECTORY) == 0;
  if (path.empty() || (known == names_.end() && !made) ||
      (known != names_.end() && known->second == kFolder)) {
    fds_[call.fd] = {kFolder, path, false};
    return;
  }
  if (made) {
    known = names_.insert_or_assign(path, next_++).first;
    DiskOp op;
    op.kind = DiskOp::Kind::kLink;
    op.path = path;
    op.file = known->second;
    ops_.push_back(std::move(op));
  } else if ((call.flags & O_TRUNC) != 0) {
    DiskOp op;
    op.kind = DiskOp::Kind::kTruncate;
    op.file = known->second;
    ops_.push_back(std::move(op));
  }
  fds_[call.fd] = {known->second, "", false};
}

void Recorder::closed(int fd) {
  const std::lock_guard lock(mutex_);
  fds_.erase(fd);
}

}  // namespace sluice::lab
