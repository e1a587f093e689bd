// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <string_view>

#include "core/text.hpp"
#include "hub/outbound/outbound.hpp"

namespace sluice::outbound {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kWordsBytesMax = 300;
constexpr std::int64_t kAnswerBytesMax = 1 << 20;
constexpr const char* kAgent = "sluice-hub/" SLUICE_VERSION;

struct EasyEnd {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct MultiEnd {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct ListEnd {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListEnd>;

bool add(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

bool holds_line_end(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

// One message on its way. Its address is known to curl: never moved.
struct Flight {
  std::uint64_t tag = 0;
  Message message;
  List list;             // headers, or recipients
  std::size_t read = 0;  // of a mail's text
  std::string answer;    // the beginning of what the receiver said
  std::int64_t answered = 0;
  int refusal = 0;  // of a mail server: its last 4yz or 5yz. curl itself knows only the last reply
  char error[CURL_ERROR_SIZE] = {};
  std::unique_ptr<CURL, EasyEnd> easy;
};

std::size_t keep_answer(char* data, std::size_t, std::size_t size, void* of) {
  Flight& flight = *static_cast<Flight*>(of);
  const std::size_t room = kWordsBytesMax - std::min(kWordsBytesMax, flight.answer.size());
  flight.answer.append(data, std::min(room, size));
  flight.answered += static_cast<std::int64_t>(size);
  // A receiver that never ends its answer is cut off: what it has to say came first.
  return flight.answered > kAnswerBytesMax ? 0 : size;
}

// A mail server's replies, a line at a time.
std::size_t note_reply(char* data, std::size_t, std::size_t size, void* of) {
  Flight& flight = *static_cast<Flight*>(of);
  if (size < 4 || (data[0] != '4' && data[0] != '5')) return size;
  int code = 0;
  const auto [end, error] = std::from_chars(data, data + 3, code);
  if (error != std::errc() || end != data + 3) return size;
  flight.refusal = code;
  std::string_view words(data + 4, size - 4);
  while (words.ends_with('\n') || words.ends_with('\r')) words.remove_suffix(1);
  flight.answer = words.substr(0, kWordsBytesMax);
  return size;
}

std::size_t give_text(char* to, std::size_t, std::size_t size, void* of) {
  Flight& flight = *static_cast<Flight*>(of);
  const std::string& text = std::get<Mail>(flight.message).text;
  const std::size_t count = std::min(size, text.size() - flight.read);
  std::memcpy(to, text.data() + flight.read, count);
  flight.read += count;
  return count;
}

Result<void> set_up(Flight& flight, const HttpPost& post) {
  CURL* easy = flight.easy.get();
  bool ok = add(flight.list, "Expect:");  // no round trip for small bodies
  for (const auto& [name, value] : post.headers) {
    if (holds_line_end(name) || holds_line_end(value))
      return fail(Errc::kBadRequest, "the header " + core::printable(name) + " holds a line end");
    ok = ok && add(flight.list, name + ": " + value);
  }
  if (!ok) return fail(Errc::kInternal, "out of memory");
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_URL, post.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, flight.list.get());
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post.body.data());  // not copied: the flight keeps it
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  return {};
}

Result<void> set_up(Flight& flight, const Mail& mail) {
  CURL* easy = flight.easy.get();
  bool ok = !mail.recipients.empty();
  for (const std::string& recipient : mail.recipients) {
    if (holds_line_end(recipient))
      return fail(Errc::kBadRequest, "a recipient's address holds a line end");
    ok = ok && add(flight.list, "<" + recipient + ">");
  }
  if (!ok) return fail(Errc::kBadRequest, "a mail without recipients");
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_URL, mail.server.c_str());
  curl_easy_setopt(easy, CURLOPT_USE_SSL,
                   static_cast<long>(mail.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (!mail.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, mail.password.c_str());
  }
  if (!mail.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, mail.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + mail.sender + ">").c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, flight.list.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, note_reply);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &flight);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_text);
  curl_easy_setopt(easy, CURLOPT_READDATA, &flight);
  return {};
}

Answer answer_of(const Flight& flight, CURLcode code) {
  CURL* easy = flight.easy.get();
  Answer answer;
  long status = 0;
  curl_off_t sending_us = 0;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sending_us);
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
  const bool is_mail = std::holds_alternative<Mail>(flight.message);
  // A mail server's greeting and login come before anything of the message.
  const bool no_login = code == CURLE_LOGIN_DENIED || code == CURLE_USE_SSL_FAILED;
  answer.reached = sending_us > 0 && !no_login;
  // A status counts only with the whole of its header.
  if (!is_mail && answer.reached && (code == CURLE_OK || code == CURLE_WRITE_ERROR))
    answer.code = static_cast<int>(status);
  if (is_mail && code == CURLE_OK) answer.code = static_cast<int>(status);
  if (is_mail && code != CURLE_OK && !no_login && flight.refusal != 0) {
    answer.reached = true;
    answer.code = flight.refusal;
  }
  answer.retry_after = std::chrono::seconds(retry_after);
  if (code == CURLE_OK || answer.code != 0) {
    answer.words = std::to_string(answer.code);
    if (!flight.answer.empty()) answer.words += " " + core::printable(flight.answer);
  } else {
    answer.words = flight.error[0] != '\0' ? flight.error : curl_easy_strerror(code);
  }
  return answer;
}

class CurlClient final : public Client {
 public:
  explicit CurlClient(CURLM* multi) : multi_(multi) {}
  ~CurlClient() override {
    for (auto& [easy, flight] : flights_) curl_multi_remove_handle(multi_.get(), easy);
  }

  Result<void> start(std::uint64_t tag, Message message, milliseconds timeout) override {
    auto flight = std::make_unique<Flight>();
    flight->tag = tag;
    flight->message = std::move(message);
    flight->easy.reset(curl_easy_init());
    CURL* easy = flight->easy.get();
    if (easy == nullptr) return fail(Errc::kInternal, "libcurl gives no handle");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, flight->error);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, kAgent);
    // Where messages go is the reactor's file alone, never the environment.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, flight.get());
    SLUICE_TRY(std::visit([&](const auto& one) { return set_up(*flight, one); }, flight->message));
    if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK)
      return fail(Errc::kInternal, "libcurl takes no more messages");
    flights_.emplace(easy, std::move(flight));
    return {};
  }

  std::vector<Done> wait(milliseconds limit) override {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    auto done = collect();
    if (!done.empty()) return done;
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(limit.count()), nullptr);
    curl_multi_perform(multi_.get(), &running);
    return collect();
  }

  void wake() override { curl_multi_wakeup(multi_.get()); }
  std::size_t on_their_way() const override { return flights_.size(); }

 private:
  std::vector<Done> collect() {
    std::vector<Done> out;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;  // the message dies with the handle's removal
      const auto found = flights_.find(easy);
      out.push_back({found->second->tag, answer_of(*found->second, code)});
      curl_multi_remove_handle(multi_.get(), easy);
      flights_.erase(found);
    }
    return out;
  }

  std::unique_ptr<CURLM, MultiEnd> multi_;
  std::map<CURL*, std::unique_ptr<Flight>> flights_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::create() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return fail(Errc::kInternal, "libcurl does not start");
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) return fail(Errc::kInternal, "libcurl gives no handle");
  return std::unique_ptr<Client>(std::make_unique<CurlClient>(multi));
}

}  // namespace sluice::outbound
