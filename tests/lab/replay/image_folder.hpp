// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "tests/lab/replay/disk_model.hpp"
#include "tests/lab/replay/libc_calls.hpp"

namespace sluice::lab {

// A folder of real files (in memory: /dev/shm) that is made to hold one image after the other.
// Only what differs is written, so it must see, as the hook, what the check of an image changes.
// One thread at a time changes the folder.
class ImageFolder final : public CallHook {
 public:
  ImageFolder();
  ~ImageFolder() override;

  const std::filesystem::path& path() const { return path_; }
  // Makes the folder hold exactly `tree`. No hook may be set meanwhile.
  void install(const Tree& tree);
  // Somebody else changed the folder: the next install() writes everything.
  void forget();
  // What it holds now, without -shm files.
  Tree read() const;

  int before(const FileCall&) override { return 0; }
  void after(const FileCall& call) override;
  void closed(int fd) override;

 private:
  struct Known {
    Content content;                // as last written by install(); null: a folder
    std::set<std::uint64_t> dirty;  // pages that may differ from it since
    bool resized = false;
    bool removed = false;
  };
  void write_file(const std::string& path, Known& known, const Content& target);
  void remove(const std::string& path);
  std::string relative(const char* path) const;

  std::filesystem::path path_;
  std::string prefix_;
  std::map<std::string, Known> files_;
  std::unordered_map<int, std::string> fds_;
  std::unordered_set<std::string> strangers_;  // made since the last install()
};

}  // namespace sluice::lab
