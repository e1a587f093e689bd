// SPDX-License-Identifier: Apache-2.0
// Bytes that reach the block device per event at 100 events per commit, the last checkpoint and the
// filesystem's own writes included.
//
//     device_bench [--events=200000]
//
// As root on a filesystem of its own (ext4 in a loop device), so that nothing else is counted;
// otherwise on the device of the temporary folder, with all that others write there meanwhile.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>

#include "bench/filled_log.hpp"
#include "bench/plain_log.hpp"
#include "bench/report.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kBatch = 100;
constexpr double kSector = 512;
constexpr double kLimit = 1500;
constexpr double kLimitRandom = 1200;

class Device {
 public:
  Device() {
    std::filesystem::create_directory(folder_ / "mount");
    const std::string image = (folder_ / "image").string();
    own_ = ::geteuid() == 0 && test::run({"truncate", "-s", "2G", image}).code == 0 &&
           test::run({"mkfs.ext4", "-q", "-F", image}).code == 0 &&
           test::run({"mount", "-o", "loop", image, path().string()}).code == 0;
    struct stat info {};
    if (::stat(path().c_str(), &info) != 0) give_up("no folder");
    stat_ = "/sys/dev/block/" + std::to_string(major(info.st_dev)) + ":" +
            std::to_string(minor(info.st_dev)) + "/stat";
  }
  ~Device() {
    if (own_) test::run({"umount", path().string()});
  }
  std::filesystem::path path() const { return folder_ / "mount"; }
  bool own() const { return own_; }

  double written() const {
    const int fd = ::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::syncfs(fd);
    ::close(fd);
    std::ifstream file(stat_);
    double value = 0;
    for (int i = 0; i < 7; ++i) file >> value;  // the seventh: sectors written
    if (!file) give_up("cannot read " + stat_);
    return value * kSector;
  }

 private:
  test::TempDir folder_;
  bool own_ = false;
  std::string stat_;
};

double log_bytes(const Device& device, std::size_t events, Ids ids) {
  const double before = device.written();
  {
    OpenLog log(device.path() / (ids == Ids::kRandom ? "log-random" : "log"));
    Workload workload(ids);
    for (std::size_t done = 0; done < events; done += kBatch)
      log.append(workload.next_batch(kBatch));
  }
  return (device.written() - before) / static_cast<double>(events);
}

double plain_bytes(const Device& device, std::size_t events) {
  const double before = device.written();
  {
    Workload workload(Ids::kV7);
    const std::string body = encoded_body(70'000, {}, workload.data());
    PlainLog log(device.path() / "plain.db", true);
    for (std::size_t done = 0; done < events; done += kBatch) {
      log.begin();
      for (std::size_t i = 0; i < kBatch; ++i) log.insert(workload.next_id(), body);
      log.commit();
    }
  }
  return (device.written() - before) / static_cast<double>(events);
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto events = static_cast<std::size_t>(arguments.number("events", 200'000));
  arguments.finish();
  const Device device;
  const double ours = log_bytes(device, events, Ids::kV7);
  const double random = log_bytes(device, events, Ids::kRandom);
  const double plain = plain_bytes(device, events);
  print({std::string("at the block device, batch 100, ") +
             (device.own() ? "ext4 of its own" : "the machine's disk"),
         ours,
         "bytes/event",
         "plain C loop with an index on id: " + rounded(plain) + " bytes/event",
         ours / plain,
         {},
         kLimit});
  print({std::string("at the block device, batch 100, random ids, ") +
             (device.own() ? "ext4 of its own" : "the machine's disk"),
         random,
         "bytes/event",
         "with UUIDv7: " + rounded(ours) + " bytes/event",
         random / ours,
         {},
         kLimitRandom});
}
