// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "hub/versions/durable_file.hpp"
#include "hub/versions/version_store.hpp"
#include "projection/schema/stored_definition.hpp"

namespace sluice::hub {
namespace {

namespace fs = std::filesystem;
using core::Errc;
using core::fail;
using core::Result;

// All that its filesystem holds. Not a database by its own name: whoever closes a file gives up all
// locks that this process has on it, and the next program that writes there would take itself for
// the only one and delete the write-ahead log under us (sqlite.org/howtocorrupt.html, 2.2).
Result<void> sync_all(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error("cannot open", folder, errno);
  const int failed = ::syncfs(fd) == 0 ? 0 : errno;
  ::close(fd);
  return failed == 0 ? Result<void>() : os_error("cannot sync", folder, failed);
}

class SqliteVersions final : public VersionStore {
 public:
  SqliteVersions(fs::path state, std::string model)
      : state_(std::move(state)), model_(std::move(model)) {}

  Result<VersionBook> load(std::int64_t now_ns) override {
    auto found = written();
    const bool known = found.has_value();
    if (!known && found.error().code != Errc::kNotFound) return found.error();
    VersionBook book = known ? std::move(*found) : VersionBook();
    const auto serving = link();
    if (!serving) return serving.error();
    const auto there = databases();
    if (!there) return there.error();
    return reconcile(std::move(book), known, *serving, *there, now_ns);
  }

  Result<void> save(const VersionBook& book) override {
    return write_file(book_path(), write_book(book) + "\n");
  }

  Result<void> serve(const VersionBook& book) override {
    const VersionRecord* serving = book.serving();
    if (serving == nullptr) return fail(Errc::kInternal, "no version is to serve");
    const fs::path file = path_of(serving->id);
    // A start that changes nothing needs no room on the disk.
    if (const auto now = link(); now && *now == serving->id && known_as(book)) return {};
    // Commits of a model are not synced one by one; who finds this version finds all of it.
    SLUICE_TRY(sync_all(state_));
    SLUICE_TRY(replace(link_path(), [&](const fs::path& fresh) -> Result<void> {
      if (::symlink(file.filename().c_str(), fresh.c_str()) != 0)
        return os_error("cannot make the link", fresh, errno);
      return {};
    }));
    // From here on readers have the new version. A book that cannot be written does not take that
    // back: the next one is, or the next start finds what the link says.
    (void)save(book);
    return {};
  }

  Result<void> drop(const VersionId& id) override {
    // The database goes first: what is left of it without that is nobody's.
    for (const char* suffix : {"", "-wal", "-shm"}) {
      const std::string name = path_of(id).string() + suffix;
      if (::unlink(name.c_str()) != 0 && errno != ENOENT)
        return os_error("cannot remove", name, errno);
    }
    return sync(state_);
  }

  projection::Place place(const VersionId& id) const override { return path_of(id); }

  std::uint64_t bytes(const VersionId& id) const override {
    std::uint64_t sum = 0;
    for (const char* suffix : {"", "-wal"}) {
      std::error_code error;
      const auto size = fs::file_size(path_of(id).string() + suffix, error);
      if (!error) sum += size;
    }
    return sum;
  }

 private:
  // kNotFound: there is none.
  Result<VersionBook> written() const {
    std::ifstream in(book_path(), std::ios::binary);
    if (!in) return fail(Errc::kNotFound, book_path().string() + " is not there");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    auto read = read_book(text);
    if (!read) return fail(read.error().code, book_path().string() + ": " + read.error().message);
    return read;
  }

  bool known_as(const VersionBook& book) const {
    const auto now = written();
    return now && *now == book;
  }

  fs::path path_of(const VersionId& id) const {
    return state_ / (model_ + "-v" + id.text() + ".db");
  }
  fs::path link_path() const { return state_ / (model_ + ".db"); }
  fs::path book_path() const { return state_ / (model_ + ".versions.json"); }

  std::optional<VersionId> id_of(std::string_view name) const {
    if (!name.starts_with(model_ + "-v") || !name.ends_with(".db")) return std::nullopt;
    name.remove_prefix(model_.size() + 2);
    name.remove_suffix(3);
    return VersionId::parse(name);
  }

  Result<std::optional<VersionId>> link() const {
    std::error_code error;
    const auto status = fs::symlink_status(link_path(), error);
    if (status.type() == fs::file_type::not_found) return std::optional<VersionId>();
    if (!fs::is_symlink(status))
      return fail(Errc::kConfig, link_path().string() + " is the database of another model: " +
                                     model_ + " cannot have this name beside it");
    const auto target = fs::read_symlink(link_path(), error);
    return id_of(target.string());
  }

  // Whoever was killed before he had made it leaves a file with nothing in it.
  static bool is_made(const fs::path& file) {
    const auto stored = projection::read_definition(file);
    return stored || stored.error().code != Errc::kNotFound;
  }

  Result<std::vector<VersionId>> databases() const {
    std::vector<VersionId> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(state_, error))
      if (const auto id = id_of(entry.path().filename().string()); id && entry.is_regular_file())
        if (!entry.is_symlink() && is_made(entry.path())) out.push_back(*id);
    if (error) return fail(Errc::kIo, state_.string() + ": " + error.message());
    return out;
  }

  const fs::path state_;
  const std::string model_;
};

}  // namespace

std::unique_ptr<VersionStore> sqlite_versions(fs::path state, std::string model) {
  return std::make_unique<SqliteVersions>(std::move(state), std::move(model));
}

}  // namespace sluice::hub
