// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_server.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace sluice::test {

namespace fs = std::filesystem;

namespace {

constexpr uid_t kNobody = 65534;

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

fs::path programs() {
  if (const char* named = std::getenv("SLUICE_POSTGRES_BIN"); named != nullptr && *named != '\0')
    return named;
  int newest = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string name = entry.path().filename().string();
    int version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    if (fs::exists(entry.path() / "bin/postgres")) newest = std::max(newest, version);
  }
  if (newest == 0) throw std::runtime_error("no PostgreSQL here: scripts/deps.sh test");
  return "/usr/lib/postgresql/" + std::to_string(newest) + "/bin";
}

// The children of a process, as /proc knows them: PostgreSQL's backends.
std::vector<pid_t> children(pid_t parent) {
  std::vector<pid_t> out;
  const std::string pid = std::to_string(parent);
  std::istringstream list(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  for (pid_t child = 0; list >> child;) out.push_back(child);
  return out;
}

// A zombie counts as gone: whoever adopted it may take its time.
bool is_alive(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] != 'Z';
}

}  // namespace

PostgresServer::PostgresServer() : PostgresServer(Options{}) {}

PostgresServer::PostgresServer(Options options) : options_(std::move(options)) {
  if (options_.disk_mib != 0) mount_disk();
  make_cluster();
  start();
  if (mounted_ && !options_.wal_on_disk)
    query("CREATE TABLESPACE small LOCATION '" + folder_on_disk("space").string() + "'");
}

PostgresServer::~PostgresServer() {
  kill();
  if (mounted_) ::umount2(disk().c_str(), MNT_DETACH);
}

fs::path PostgresServer::data() const {
  return folder_ / "data";
}
fs::path PostgresServer::disk() const {
  return folder_ / "disk";
}
std::string PostgresServer::log() const {
  return read_file(folder_ / "server.log");
}
std::string PostgresServer::conninfo(const std::string& database) const {
  return "host=" + folder_.path().string() + " user=sluice dbname=" + database;
}

Process::Options PostgresServer::as_server() const {
  Process::Options how;
  how.as_nobody = ::geteuid() == 0;
  how.environment = {"LC_ALL=C.UTF-8", "TZ=UTC"};
  return how;
}

void PostgresServer::make_cluster() {
  fs::create_directory(data());
  if (::geteuid() == 0)
    for (const fs::path& path : {folder_.path(), data()})
      if (::chown(path.c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown failed");
  // The order of text must come from the columns' own collation, so the cluster's is another one.
  std::vector<std::string> initdb{(programs() / "initdb").string(),
                                  "-D",
                                  data().string(),
                                  "-U",
                                  "sluice",
                                  "-A",
                                  "trust",
                                  "-E",
                                  "UTF8",
                                  "--no-sync",
                                  "--locale-provider=icu",
                                  "--icu-locale=en-US",
                                  "--wal-segsize=1"};
  if (options_.wal_on_disk) initdb.push_back("--waldir=" + folder_on_disk("wal").string());
  const Finished made = run(initdb, as_server());
  if (made.code != 0) throw std::runtime_error("initdb: " + made.output);
  std::ofstream config(data() / "postgresql.conf", std::ios::app);
  config << "listen_addresses = ''\nunix_socket_directories = '" << folder_.path().string()
         << "'\nfsync = " << (options_.syncs ? "on" : "off")
         << "\nmax_connections = 30\nshared_buffers = 64MB\nautovacuum = off\n"
            "max_wal_size = 64MB\nmin_wal_size = 2MB\n"
         << options_.config << "\n";
}

void PostgresServer::mount_disk() {
  fs::create_directory(disk());
  const std::string size = "size=" + std::to_string(options_.disk_mib) + "m";
  if (::mount("tmpfs", disk().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0)
    throw std::runtime_error("a small disk needs root: mounting tmpfs failed");
  mounted_ = true;
}

fs::path PostgresServer::folder_on_disk(const std::string& name) const {
  const fs::path folder = disk() / name;
  fs::create_directory(folder);
  if (::chown(folder.c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown failed");
  return folder;
}

void PostgresServer::start() {
  std::error_code ignored;
  fs::remove(data() / "postmaster.pid", ignored);  // of one that was killed
  Process::Options how = as_server();
  how.log_file = folder_ / "server.log";
  { std::ofstream touch(how.log_file, std::ios::app); }
  process_ = std::make_unique<Process>(
      std::vector<std::string>{(programs() / "postgres").string(), "-D", data().string()}, how);
  wait_until_ready();
}

void PostgresServer::wait_until_ready() {
  const bool ready = eventually(
      [&] {
        if (!process_->running()) return true;
        return run({(programs() / "pg_isready").string(), "-q", "-h", folder_.path().string()})
                   .code == 0;
      },
      std::chrono::seconds(60));
  if (!ready || !process_->running())
    throw std::runtime_error("PostgreSQL does not start:\n" + log());
}

void PostgresServer::signal_all(int number) const {
  // The server first: it must not start another backend meanwhile.
  const auto backends = children(process_->pid());
  process_->signal(number);
  for (const pid_t pid : backends) ::kill(pid, number);
}

void PostgresServer::kill() {
  if (!process_ || !process_->running()) return;
  const auto backends = children(process_->pid());
  signal_all(SIGKILL);
  process_->kill();
  // Shared memory is free only when the last backend has gone.
  eventually([&] { return std::none_of(backends.begin(), backends.end(), is_alive); });
}

void PostgresServer::stop() {
  if (!process_) return;
  process_->signal(SIGINT);
  if (process_->wait(std::chrono::seconds(30)) < 0) kill();
}

void PostgresServer::pause() {
  signal_all(SIGSTOP);
}
void PostgresServer::resume() {
  signal_all(SIGCONT);
}

std::string PostgresServer::query(const std::string& sql, const std::string& database) const {
  Process::Options how;
  how.environment = {"PGOPTIONS=-c client_min_messages=warning"};
  const Finished done = run({(programs() / "psql").string(), "-X", "-q", "-A", "-t", "-v",
                             "ON_ERROR_STOP=1", "-d", conninfo(database), "-c", sql},
                            how);
  if (done.code != 0) throw std::runtime_error("psql: " + done.output + "\n" + sql);
  std::string out = done.out;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string PostgresServer::create_database(const std::string& name) {
  query("CREATE DATABASE \"" + name + "\"" +
        (mounted_ && !options_.wal_on_disk ? " TABLESPACE small" : ""));
  return conninfo(name);
}

void PostgresServer::fill_disk() {
  if (!mounted_) throw std::logic_error("fill_disk() needs disk_mib");
  const int file = ::open((disk() / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{4096}}) {
    const std::string zeros(piece, '\0');
    while (::write(file, zeros.data(), zeros.size()) == static_cast<ssize_t>(zeros.size())) {
    }
  }
  ::close(file);
}

void PostgresServer::free_disk() {
  fs::remove(disk() / "ballast");
}

}  // namespace sluice::test
