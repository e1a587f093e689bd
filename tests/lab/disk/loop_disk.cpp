// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/loop_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "tests/support/process.hpp"

namespace sluice::test {
namespace {

// linux/ext4.h is not in every kernel's headers: EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH.
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kNoLogFlush = 2;

[[noreturn]] void broken(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string must_run(const std::vector<std::string>& command) {
  const auto done = run(command);
  if (done.code != 0)
    throw std::runtime_error(command.front() + " gave " + std::to_string(done.code) + ": " +
                             done.output);
  return first_line(done.out);
}

}  // namespace

std::string LoopDisk::prepare() {
  if (::geteuid() != 0) return "only root may mount a filesystem";
  if (::unshare(CLONE_NEWNS) != 0)
    return std::string("no mount namespace of its own: ") + std::strerror(errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::string("the mount namespace cannot be made private: ") + std::strerror(errno);
  try {
    LoopDisk probe(Options{.bytes = 16u << 20});
    probe.cut();
    probe.mount_again();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

LoopDisk::LoopDisk(Options options)
    : options_(std::move(options)), image_(folder_ / "disk"), mount_point_(folder_ / "m") {
  std::filesystem::create_directory(mount_point_);
  std::ofstream(image_).close();
  std::filesystem::resize_file(image_, options_.bytes);
  must_run({"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
            image_.string()});
  mount();
}

LoopDisk::~LoopDisk() {
  if (mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
}

void LoopDisk::mount() {
  const std::string device = must_run({"losetup", "--find", "--show", image_.string()});
  device_ = std::filesystem::path(device).filename().string();
  const int result =
      ::mount(device.c_str(), mount_point_.c_str(), "ext4", 0, options_.mount_options.c_str());
  const int why = errno;
  run({"losetup", "--detach", device});  // while it is mounted: as soon as it no longer is
  if (result != 0) {
    errno = why;
    broken("mount of " + device);
  }
  mounted_ = true;
}

void LoopDisk::unmount() {
  // A killed process is a zombie before its last file is closed by the kernel.
  if (!eventually([&] { return ::umount2(mount_point_.c_str(), 0) == 0 || errno != EBUSY; }))
    broken("umount of " + mount_point_.string());
  mounted_ = false;
}

void LoopDisk::mount_again() {
  unmount();
  mount();
}

void LoopDisk::cut() {
  const int folder = ::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) broken(mount_point_.string());
  const int result = ::ioctl(folder, kShutdown, &kNoLogFlush);
  const int why = errno;
  ::close(folder);
  errno = why;
  if (result != 0) broken("the shutdown of ext4");
}

void LoopDisk::make_faulty() {
  const std::string file = "/sys/fs/ext4/" + device_ + "/trigger_fs_error";
  std::ofstream out(file);
  out << "a fault of the lab\n" << std::flush;
  if (!out) throw std::runtime_error(file + " cannot be written");
}

// By trying: since Linux 6.15 errors=remount-ro no longer shows in statvfs(3).
bool LoopDisk::read_only() const {
  const auto file = mount_point_ / "probe";
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const bool refused = out < 0 && errno == EROFS;
  if (out >= 0) {
    ::close(out);
    ::unlink(file.c_str());
  }
  return refused;
}

int LoopDisk::check() {
  return run({"e2fsck", "-fy", image_.string()}).code;
}

}  // namespace sluice::test
