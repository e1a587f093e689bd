// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A disk of its own: ext4 on a loop device, whose power can be cut. It needs root and loop devices.
// Mounts live in a mount namespace of this process, so that nothing stays behind when it is killed.
//
// What a cut is: the filesystem's shutdown (EXT4_IOC_SHUTDOWN without a flush of its journal). What
// was not synced is gone, the journal is replayed at the next mount. What it cannot show: the cache
// of a drive, torn sectors, a card that lies about its flush; all that reached the loop device
// stays.
class LoopDisk {
 public:
  struct Options {
    std::uint64_t bytes = 1u << 30;  // sparse
    std::string mount_options = "errors=remount-ro";
  };

  // To be called once, from main(), before any thread: gives this process its mount namespace.
  // Empty: the rig works here. Else what is missing, in words.
  static std::string prepare();

  explicit LoopDisk(Options options);  // makes and mounts it; throws std::runtime_error
  LoopDisk() : LoopDisk(Options{}) {}
  ~LoopDisk();
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  const std::filesystem::path& path() const { return mount_point_; }
  const std::string& device() const { return device_; }  // "loop7"

  void cut();  // from here on every call gives EIO; programs may still run
  // The end of a cut: nobody may have files open. The mount replays the journal.
  void mount_again();
  void unmount();
  void mount();
  // The kernel finds the filesystem faulty and, by errors=remount-ro, makes it read-only.
  void make_faulty();
  bool read_only() const;
  // Unmounted: e2fsck -fy. Its exit code: 0 clean, 1 mended, 4 and more not.
  int check();

 private:
  Options options_;
  TempDir folder_;
  std::filesystem::path image_;
  std::filesystem::path mount_point_;
  std::string device_;
  bool mounted_ = false;
};

}  // namespace sluice::test
