// SPDX-License-Identifier: Apache-2.0
#include "projection/pg/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <optional>

#include "projection/pg/error.hpp"

namespace sluice::pg {

using core::Errc;
using core::Error;
using core::fail;
using core::Result;

namespace {

std::string_view field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text != nullptr ? text : "";
}

Error error_of(const PGresult* result) {
  const std::string_view state = field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) return make_error("", PQresultErrorMessage(result));
  return make_error(state, field(result, PG_DIAG_MESSAGE_PRIMARY),
                    field(result, PG_DIAG_MESSAGE_DETAIL));
}

// libpq gives a failed login no SQLSTATE: a server that answers and refuses is told by the
// connection having reached authentication. These are the words of its two refusals that time
// mends.
Error connect_error(PGconn* handle) {
  const std::string_view text = PQerrorMessage(handle);
  for (const std::string_view passing :
       {"starting up", "shutting down", "recovery mode", "too many clients", "too many connections",
        "reserved for", "not yet accepting"})
    if (text.find(passing) != std::string_view::npos) return make_error("57P03", text);
  if (PQconnectionNeedsPassword(handle) != 0 || PQconnectionUsedPassword(handle) != 0 ||
      text.find("FATAL:") != std::string_view::npos)
    return make_error(text.find("database \"") != std::string_view::npos &&
                              text.find("does not exist") != std::string_view::npos
                          ? "3D000"
                          : "28000",
                      text);
  return make_error("", text);
}

bool is_error(ExecStatusType status) {
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

// Who was cut off is noticed within half a minute, at either end.
constexpr const char* kKeywords[] = {"dbname",           "application_name", "client_encoding",
                                     "connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                     "keepalives_count", "tcp_user_timeout", nullptr};

}  // namespace

Result<std::string> login(const std::string& conninfo, const std::string& password) {
  char* mistake = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), &mistake);
  if (parsed == nullptr) {
    const std::string text = mistake != nullptr ? mistake : "out of memory";
    PQfreemem(mistake);
    return fail(Errc::kConfig, "the connection to PostgreSQL is not written as libpq reads it: " +
                                   text.substr(0, text.find('\n')));
  }
  std::string out;
  const auto add = [&](std::string_view key, std::string_view value) {
    out += (out.empty() ? "" : " ") + std::string(key) + "='";
    for (const char c : value)
      out += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
    out += '\'';
  };
  for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option)
    if (option->val != nullptr && (password.empty() || option->keyword != std::string("password")))
      add(option->keyword, option->val);
  PQconninfoFree(parsed);
  if (!password.empty()) add("password", password);
  return out;
}

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
  if (const auto checked = login(options.conninfo, ""); !checked) return checked.error();
  const std::string timeout = std::to_string(std::max<long>(options.connect_timeout.count(), 2));
  const char* values[] = {options.conninfo.c_str(),
                          options.application_name.c_str(),
                          "UTF8",
                          timeout.c_str(),
                          "10",
                          "5",
                          "3",
                          "25000",
                          nullptr};
  PGconn* handle = PQconnectdbParams(kKeywords, values, 1);
  if (handle == nullptr) return fail(Errc::kUnavailable, "no memory for a connection");
  std::unique_ptr<Connection> out(new Connection(handle));
  if (PQstatus(handle) != CONNECTION_OK) return connect_error(handle);
  PQsetNoticeProcessor(
      handle, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(handle, 1) != 0 || PQenterPipelineMode(handle) == 0) return out->words();
  return out;
}

Connection::~Connection() {
  PQfinish(handle_);
}

int Connection::server_version() const {
  return PQserverVersion(handle_);
}
int Connection::backend() const {
  return PQbackendPID(handle_);
}
std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(handle_, name);
  return value != nullptr ? value : "";
}

Error Connection::words() const {
  return make_error("", PQerrorMessage(handle_));
}

Error Connection::give_up(Error error) {
  lost_ = true;
  queued_ = 0;
  queued_bytes_ = 0;
  return error;
}

// Between transactions a server says nothing, unless it says good-bye: then it hangs up at once.
bool Connection::still_there() {
  pollfd poll{PQsocket(handle_), POLLIN, 0};
  for (int patience_ms = 0; !lost_ && ::poll(&poll, 1, patience_ms) > 0; patience_ms = 100)
    lost_ = PQconsumeInput(handle_) == 0 || PQstatus(handle_) != CONNECTION_OK;
  return !lost_;
}

Result<void> Connection::wait(short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return give_up(make_error("", "no answer in the time that it has"));
    pollfd poll{PQsocket(handle_), events, 0};
    const int ready =
        ::poll(&poll, 1, static_cast<int>(std::min<std::int64_t>(left.count() + 1, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return give_up(make_error("", "poll failed"));
  }
}

// Reading while it writes: a server whose answers nobody reads stops reading as well.
Result<void> Connection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(handle_);
    if (left == 0) return {};
    if (left < 0) return give_up(words());
    SLUICE_TRY(wait(POLLIN | POLLOUT, deadline));
    if (PQconsumeInput(handle_) == 0) return give_up(words());
  }
}

Result<PGresult*> Connection::next(Deadline deadline) {
  while (PQisBusy(handle_) != 0) {
    SLUICE_TRY(wait(POLLIN, deadline));
    if (PQconsumeInput(handle_) == 0) return give_up(words());
  }
  return PQgetResult(handle_);
}

Result<void> Connection::send(const std::string& name, const Parameters& parameters, Form form) {
  if (lost_) return words();
  const std::size_t count = parameters.size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count);
  std::vector<int> formats(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = parameters.is_null(i) ? nullptr : parameters.data(i);
    lengths[i] = parameters.length(i);
    formats[i] = parameters.is_binary(i) ? 1 : 0;
  }
  if (PQsendQueryPrepared(handle_, name.c_str(), static_cast<int>(count), values.data(),
                          lengths.data(), formats.data(), form == Form::kBinary ? 1 : 0) == 0)
    return give_up(words());
  ++queued_;
  queued_bytes_ += parameters.bytes() + 64;
  return {};
}

Result<void> Connection::send_text(const std::string& sql) {
  if (lost_) return words();
  if (PQsendQueryParams(handle_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0)
    return give_up(words());
  ++queued_;
  queued_bytes_ += sql.size() + 64;
  return {};
}

// The answers of `count` queued commands and the sync behind them.
Result<Rows> Connection::collect(std::size_t count, Deadline deadline) {
  std::optional<Error> first;
  Rows last;
  for (std::size_t i = 0; i < count; ++i)
    for (;;) {
      const auto result = next(deadline);
      if (!result) return first ? *first : result.error();
      if (*result == nullptr) {
        // A lost session ends all answers at once; its words came as an error before.
        if (PQstatus(handle_) == CONNECTION_BAD) return give_up(first ? *first : words());
        break;
      }
      const ExecStatusType status = PQresultStatus(*result);
      if (is_error(status) && !first) first = error_of(*result);
      Rows rows(*result);
      if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) last = std::move(rows);
    }
  const auto sync = next(deadline);
  if (!sync) return first ? *first : sync.error();
  PQclear(*sync);
  if (PQstatus(handle_) == CONNECTION_BAD) return give_up(first ? *first : words());
  if (first) return *first;
  return last;
}

Result<Rows> Connection::receive(Deadline deadline) {
  if (lost_) return words();
  const std::size_t count = std::exchange(queued_, 0);
  queued_bytes_ = 0;
  if (count == 0) return Rows();
  if (PQpipelineSync(handle_) == 0) return give_up(words());
  SLUICE_TRY(flush(deadline));
  return collect(count, deadline);
}

Result<Connection::Description> Connection::prepare(const std::string& name, const std::string& sql,
                                                    Deadline deadline) {
  if (lost_) return words();
  if (PQsendPrepare(handle_, name.c_str(), sql.c_str(), 0, nullptr) == 0 ||
      PQsendDescribePrepared(handle_, name.c_str()) == 0)
    return give_up(words());
  queued_ += 2;
  // The description is a result without rows: read it by hand.
  const auto rows = receive(deadline);
  if (!rows) return rows.error();
  return Description{rows->parameter_types(), rows->column_types()};
}

Result<void> Connection::script(const std::string& sql, Deadline deadline) {
  if (queued_ != 0) SLUICE_TRY(receive(deadline));
  if (lost_) return words();
  if (PQexitPipelineMode(handle_) == 0 || PQsendQuery(handle_, sql.c_str()) == 0)
    return give_up(words());
  SLUICE_TRY(flush(deadline));
  std::optional<Error> first;
  for (;;) {
    const auto result = next(deadline);
    if (!result) return result.error();
    if (*result == nullptr) break;
    if (is_error(PQresultStatus(*result)) && !first) first = error_of(*result);
    PQclear(*result);
  }
  if (PQstatus(handle_) == CONNECTION_BAD || PQenterPipelineMode(handle_) == 0)
    return give_up(first ? *first : words());
  if (first) return *first;
  return {};
}

}  // namespace sluice::pg
