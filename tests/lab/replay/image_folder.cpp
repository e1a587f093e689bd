// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/image_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kPage = 4096;

fs::path make_folder_in_memory() {
  const char* wanted = std::getenv("SLUICE_LAB_DIR");
  const fs::path parent = wanted != nullptr ? wanted : "/dev/shm";
  std::string name = (parent / "sluice-lab-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make a folder in " + parent.string() +
                             "; SLUICE_LAB_DIR names another place: " + std::strerror(errno));
  return name;
}

void must(bool done, const std::string& path) {
  if (!done) throw std::runtime_error(path + ": " + std::strerror(errno));
}

bool same_page(const std::string& a, const std::string& b, std::uint64_t at) {
  const std::uint64_t end_a = std::min<std::uint64_t>(a.size(), at + kPage);
  const std::uint64_t end_b = std::min<std::uint64_t>(b.size(), at + kPage);
  return end_a == end_b && std::memcmp(a.data() + at, b.data() + at, end_b - at) == 0;
}

}  // namespace

ImageFolder::ImageFolder() : path_(make_folder_in_memory()), prefix_(path_.string() + "/") {}

ImageFolder::~ImageFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string ImageFolder::relative(const char* path) const {
  const std::string_view text = path;
  return text.starts_with(prefix_) ? std::string(text.substr(prefix_.size())) : "";
}

void ImageFolder::after(const FileCall& call) {
  const std::string path = call.path != nullptr ? relative(call.path) : "";
  switch (call.kind) {
    case CallKind::kOpen: {
      if (path.empty() || (call.flags & O_ACCMODE) == O_RDONLY) return;
      fds_[call.fd] = path;
      const auto known = files_.find(path);
      if (known == files_.end() || known->second.removed) strangers_.insert(path);
      if (known != files_.end() && (call.flags & O_TRUNC) != 0) known->second.removed = true;
      return;
    }
    case CallKind::kMkdir:
      if (!path.empty()) strangers_.insert(path);
      return;
    case CallKind::kUnlink:
    case CallKind::kRename: {
      if (const auto known = files_.find(path); known != files_.end()) known->second.removed = true;
      if (call.to != nullptr) {
        const std::string to = relative(call.to);
        if (const auto known = files_.find(to); known != files_.end()) known->second.removed = true;
        strangers_.insert(to);
      }
      return;
    }
    case CallKind::kWrite:
    case CallKind::kTruncate: {
      const auto fd = fds_.find(call.fd);
      if (fd == fds_.end()) return;
      const auto known = files_.find(fd->second);
      if (known == files_.end()) return;
      if (call.kind == CallKind::kTruncate) {
        known->second.resized = true;
        return;
      }
      const auto at = static_cast<std::uint64_t>(call.at);
      for (std::uint64_t page = at / kPage; page * kPage < at + call.size; ++page)
        known->second.dirty.insert(page);
      return;
    }
    case CallKind::kSync:
      return;
  }
}

void ImageFolder::closed(int fd) {
  fds_.erase(fd);
}

void ImageFolder::write_file(const std::string& path, Known& known, const Content& target) {
  const std::string full = prefix_ + path;
  const bool fresh = !known.content || known.removed;
  if (!fresh && known.content == target && known.dirty.empty() && !known.resized) return;
  const int fd = ::open(full.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0640);
  must(fd >= 0, full);
  const std::uint64_t size = target->size();
  for (std::uint64_t page = 0; page * kPage < size; ++page) {
    const std::uint64_t at = page * kPage;
    if (!fresh && !known.resized && !known.dirty.contains(page) && at < known.content->size() &&
        (known.content == target || same_page(*known.content, *target, at)))
      continue;
    const std::size_t bytes = std::min(kPage, size - at);
    must(::pwrite(fd, target->data() + at, bytes, static_cast<off_t>(at)) ==
             static_cast<ssize_t>(bytes),
         full);
  }
  must(::ftruncate(fd, static_cast<off_t>(size)) == 0, full);
  must(::close(fd) == 0, full);
  known = {target, {}, false, false};
}

void ImageFolder::remove(const std::string& path) {
  const std::string full = prefix_ + path;
  if (::unlink(full.c_str()) == 0 || errno == ENOENT) return;
  fs::remove_all(full);
}

void ImageFolder::install(const Tree& tree) {
  fds_.clear();
  for (const std::string& path : strangers_)
    if (!files_.contains(path)) remove(path);
  strangers_.clear();
  for (auto known = files_.rbegin(); known != files_.rend();) {
    const auto& path = known->first;
    if (tree.contains(path)) {
      ++known;
      continue;
    }
    remove(path);
    known = std::make_reverse_iterator(files_.erase(std::next(known).base()));
  }
  for (const auto& [path, content] : tree) {
    Known& known = files_[path];
    if (content)
      write_file(path, known, content);
    else
      must(::mkdir((prefix_ + path).c_str(), 0750) == 0 || errno == EEXIST, path);
  }
}

void ImageFolder::forget() {
  files_.clear();
  strangers_.clear();
  for (const auto& entry : fs::directory_iterator(path_))
    strangers_.insert(entry.path().filename().string());
}

Tree ImageFolder::read() const {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    const std::string path = entry.path().string().substr(prefix_.size());
    if (entry.is_directory()) {
      tree[path] = nullptr;
    } else if (!path.ends_with("-shm")) {
      std::ifstream in(entry.path(), std::ios::binary);
      tree[path] = std::make_shared<const std::string>(std::istreambuf_iterator<char>(in),
                                                       std::istreambuf_iterator<char>());
    }
  }
  return tree;
}

}  // namespace sluice::lab
