// SPDX-License-Identifier: Apache-2.0
#include "storage/filesystem.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <fstream>
#include <iterator>

#include "core/text.hpp"

namespace sluice::storage {
namespace {

bool has_option(std::string_view options, std::string_view wanted) {
  for (const std::string_view option : core::split(options, ','))
    if (option == wanted) return true;
  return false;
}

}  // namespace

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

FilesystemVerdict judge_mount(const Mount& mount) {
  // btrfs and older XFS know `nobarrier`, ext4 says `barrier=0` or (in /proc) `nobarrier`.
  if (has_option(mount.options, "nobarrier") || has_option(mount.options, "barrier=0"))
    return {Fitness::kDoubtful,
            "it is mounted without barriers: a power cut can take what was synced. Mount it "
            "without 'nobarrier'"};
  if (has_option(mount.options, "data=writeback"))
    return {Fitness::kDoubtful,
            "it is mounted with data=writeback: after a power cut files may hold old bytes. Mount "
            "it with data=ordered"};
  if (mount.type == "f2fs" && has_option(mount.options, "fsync_mode=nobarrier"))
    return {Fitness::kDoubtful,
            "it is mounted with fsync_mode=nobarrier: a power cut can take what was synced. Mount "
            "it with fsync_mode=posix"};
  return {};
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": device is the
// third field; the filesystem's own begin after the lone dash (proc(5)).
Mount find_mount(std::string_view mountinfo, unsigned device_major, unsigned device_minor) {
  const std::string wanted = std::to_string(device_major) + ":" + std::to_string(device_minor);
  Mount found;
  for (const std::string_view line : core::split(mountinfo, '\n')) {
    const auto fields = core::split(line, ' ');
    if (fields.size() < 10 || fields[2] != wanted) continue;
    std::size_t dash = 6;
    while (dash < fields.size() && fields[dash] != "-") ++dash;
    if (dash + 3 >= fields.size()) continue;
    found.type = std::string(fields[dash + 1]);
    found.options = std::string(fields[5]) + "," + std::string(fields[dash + 3]);
  }
  return found;
}

FilesystemVerdict judge_folder(const std::filesystem::path& folder) {
  const FilesystemVerdict by_kind = judge_filesystem(filesystem_magic(folder));
  if (by_kind.fitness != Fitness::kFit) return by_kind;
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return {};
  std::ifstream in("/proc/self/mountinfo", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return judge_mount(find_mount(text, major(info.st_dev), minor(info.st_dev)));
}

}  // namespace sluice::storage
