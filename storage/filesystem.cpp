// SPDX-License-Identifier: Apache-2.0
#include "storage/filesystem.hpp"

#include <sys/vfs.h>

namespace sluice::storage {

FilesystemVerdict judge_filesystem(std::uint64_t magic) {
  switch (magic) {
    case 0x6969:      // NFS
    case 0x517b:      // SMB
    case 0xff534d42:  // CIFS
    case 0xfe534d42:  // SMB2
    case 0x5346414f:  // AFS
    case 0x00c36400:  // Ceph
      return {Fitness::kUnfit, "it is a network filesystem, on which SQLite's WAL does not work"};
    case 0x4d44:      // FAT
    case 0x2011bab0:  // exFAT
      return {Fitness::kDoubtful, "it has no journal: a power cut can damage all of it"};
    case 0x01021994:  // tmpfs
    case 0x858458f6:  // ramfs
      return {Fitness::kDoubtful, "it is in memory: everything is gone after a restart"};
    case 0x01021997:  // 9p
      return {Fitness::kDoubtful, "it belongs to a virtual machine's host, which may not sync it"};
    default:
      return {};
  }
}

std::uint64_t filesystem_magic(const std::filesystem::path& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) return 0;
  return static_cast<std::uint32_t>(info.f_type);
}

}  // namespace sluice::storage
