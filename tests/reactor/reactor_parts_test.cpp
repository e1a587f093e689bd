// SPDX-License-Identifier: Apache-2.0
// A reactor's file, its templates, and what an answer means.
#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/hash.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/reactor/delivery_plan.hpp"
#include "hub/reactor/mail_form.hpp"
#include "hub/reactor/message_maker.hpp"
#include "projection/reactor/mail_text.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using hub::Fate;
using projection::Reactor;
using projection::TextTemplate;

// An event that owns its bytes.
struct Made {
  explicit Made(const std::string& json, std::string type = "UserCreated")
      : data(*codec::json_to_data(json)), type_text(std::move(type)) {
    event.gateway = "plant-7";
    event.epoch = core::Epoch{0xe1};
    event.seq = 42;
    event.category = "user";
    event.entity = "u1";
    event.version = 3;
    event.type = type_text;
    event.data = data;
    event.recorded.wall_ns = 1'790'000'000'000'000'000;
  }
  std::string data;
  std::string type_text;
  core::EventView event;
};

std::string rendered(const std::string& text, const Made& made) {
  const auto parsed = TextTemplate::parse(text);
  if (!parsed) return "no template: " + parsed.error().message;
  const auto out = parsed->render(made.event);
  return out ? *out : "error: " + out.error().message;
}

TEST(ReactorFile, IsAPlainFile) {
  const auto pipe = Reactor::load("/dev/null");
  ASSERT_FALSE(pipe);
  EXPECT_EQ(pipe.error().message, "/dev/null: not a plain file");
}

TEST(TextTemplate, PlacesTakeTheEventsValues) {
  const Made made(R"({"name": "Ann {.x}", "n": 7, "f": 1.5, "ok": true, "no": null,
                      "in": {"city": "Graz"}, "list": [1]})");
  EXPECT_EQ(rendered("Hello {.name}!", made), "Hello Ann {.x}!");  // a value opens no place
  EXPECT_EQ(rendered("{.n} {.f} {.ok} [{.no}] {.in.city}", made), "7 1.5 true [] Graz");
  EXPECT_EQ(rendered("{$gateway}/{$category}/{$entity} {$type} {$seq} {$version}", made),
            "plant-7/user/u1 UserCreated 42 3");
  EXPECT_EQ(rendered("{{{.n}}} }}{{", made), "{7} }{");
  EXPECT_EQ(rendered("{.list}", made), "error: the event's field .list is a list or a map");
  EXPECT_EQ(rendered("{.none}", made), "error: the event has no field .none");
}

TEST(TextTemplate, NothingElseIsAPlace) {
  for (const std::string text :
       {"{", "}", "a {name}", "{$late}", "{$hour}", "{.}", "{}", "{.a", "{$none}", "{1}"})
    EXPECT_FALSE(TextTemplate::parse(text)) << text;
}

constexpr const char* kReactor = R"(
reactor = "welcome"
[where]
gateways = ["plant-*"]
[[on]]
type = "UserCreated"
[on.webhook]
url = "http://127.0.0.1:1/hook"
headers = { X-Gateway = "{$gateway}", X-Name = "{.name}" }
[[on]]
type = ["UserCreated", "UserDeleted"]
category = "user"
email = { to = "{.email}", subject = "Hello {.name}", body = "It was {$time}." }
[smtp]
url = "smtp://127.0.0.1:25"
sender = "sluice@example.org"
starttls = false
)";

TEST(ReactorFile, SaysWhatFollowsFromWhichEvents) {
  const auto reactor = Reactor::parse(kReactor, "w.reactor.toml");
  ASSERT_TRUE(reactor) << reactor.error().message;
  EXPECT_EQ((*reactor)->name(), "welcome");
  EXPECT_FALSE((*reactor)->from_beginning());
  ASSERT_EQ((*reactor)->reactions().size(), 2u);
  const Made created("{}");
  const Made deleted("{}", "UserDeleted");
  EXPECT_TRUE((*reactor)->find("webhook")->fits(created.event));
  EXPECT_FALSE((*reactor)->find("webhook")->fits(deleted.event));
  EXPECT_TRUE((*reactor)->find("email")->fits(deleted.event));
  Made other("{}");
  EXPECT_TRUE((*reactor)->wants(other.event));
  other.event.gateway = "mine-1";
  EXPECT_FALSE((*reactor)->wants(other.event));
  EXPECT_EQ(projection::idempotency_key("welcome", "email", created.event),
            "welcome/email/plant-7.00000000000000e1.telemetry.42");
}

TEST(ReactorFile, EveryMistakeIsToldWithItsPlace) {
  const auto reactor = Reactor::parse(R"(
reactor = "Welcome"
from = "then"
extra = 1
[[on]]
type = "A"
webhook = { url = "file:///etc/passwd" }
[[on]]
type = "A"
webhook = { url = "http://{.host}/", headers = { "Idempotency-Key" = "x", "A B" = "y" } }
[[on]]
type = "A"
name = "third"
email = { to = "{.to}", subject = "{oops}" }
[[on]]
webhook = { url = "https://user:pw@example.org/" }
name = "fourth"
[delivery]
attempts = 0
timeout = "10"
)",
                                      "bad.reactor.toml");
  ASSERT_FALSE(reactor);
  EXPECT_EQ(reactor.error().code, core::Errc::kConfig);
  const std::string& words = reactor.error().message;
  for (const std::string part :
       {"bad.reactor.toml:2:", "'from' must be", "unknown key 'extra'",
        "without a login and without", "a second [[on]] is called 'webhook'",
        "'Idempotency-Key' cannot be set", "'A B' cannot be set", "'email' needs a section [smtp]",
        "'{oops}' is no place", "'body' is missing", "'type' is missing", "'attempts' must be",
        "'timeout' must be"})
    EXPECT_NE(words.find(part), std::string::npos) << part << "\nin\n" << words;
}

TEST(ReactorFile, APasswordNeverTravelsInTheOpen) {
  const auto reactor =
      Reactor::parse(std::string(kReactor) + "user_file = \"a\"\npassword_file = \"b\"\n", "x");
  ASSERT_FALSE(reactor);
  EXPECT_NE(reactor.error().message.find("only over TLS"), std::string::npos);
}

TEST(MailAddress, OnlyOnePlainAddressIsOne) {
  for (const std::string good : {"a@b", "ann.lee+x@mail.example.org", "o'hara@example.org"})
    EXPECT_TRUE(projection::is_mail_address(good)) << good;
  for (const std::string bad :
       {"", "a", "@b", "a@", "a@b, c@d", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "Ann <a@b>", "a b@c",
        "a@b@c", "a..b@c", ".a@b", "a@b..c", "a@b\n", "\"a\"@b", "a@[127.0.0.1]", "ä@b"})
    EXPECT_FALSE(projection::is_mail_address(bad)) << bad;
}

class MessageMakerTest : public testing::Test {
 protected:
  outbound::Message made(const std::string& reaction, const Made& from) {
    auto reactor = Reactor::parse(kReactor, "w");
    auto maker = hub::MessageMaker::load(*reactor);
    auto message =
        (*maker)->make(*(*reactor)->find(reaction), from.event, "key-1", 1'790'000'000'000'000'000);
    if (!message) throw std::runtime_error(message.error().message);
    return std::move(*message);
  }
};

TEST_F(MessageMakerTest, AValueStaysInItsHeader) {
  const Made hostile(R"({"name": "Eve\r\nX-Admin: yes\r\n\r\nbody\u0000", "email": "e@x"})");
  const auto post = std::get<outbound::HttpPost>(made("webhook", hostile));
  bool seen = false;
  for (const auto& [name, value] : post.headers) {
    EXPECT_EQ(value.find_first_of(std::string_view("\r\n\0", 3)), std::string::npos) << name;
    if (name == "X-Name") {
      EXPECT_EQ(value, "Eve  X-Admin: yes    body ");
      seen = true;
    }
  }
  EXPECT_TRUE(seen);
  const auto mail = std::get<outbound::Mail>(made("email", hostile));
  EXPECT_EQ(mail.text.find("\r\nX-Admin"), std::string::npos) << mail.text;
}

TEST_F(MessageMakerTest, AnAddressThatIsNoneIsADeadLetter) {
  for (const std::string email : {"a@b,c@d", "a@b\\r\\nBcc: x@y", "none"})
    EXPECT_THROW(made("email", Made("{\"name\": \"n\", \"email\": \"" + email + "\"}")),
                 std::runtime_error)
        << email;
}

TEST_F(MessageMakerTest, TheBodyIsTheEventAndWhatItIsFor) {
  const auto post = std::get<outbound::HttpPost>(made("webhook", Made(R"({"name": "Ann"})")));
  const auto body = core::parse_json(post.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("reactor").as_string(), "welcome");
  EXPECT_EQ(body->at("key").as_string(), "key-1");
  EXPECT_EQ(body->at("event").at("data").at("name").as_string(), "Ann");
}

TEST_F(MessageMakerTest, ASecretSignsTimeAndBody) {
  // The example of RFC 4231, case 2.
  EXPECT_EQ(core::to_hex(core::hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_TRUE(hub::webhook_signature("k", 7'000'000'000, "{}").starts_with("t=7,v1="));
  EXPECT_EQ(hub::webhook_signature("k", 7'000'000'000, "{}").substr(7),
            core::to_hex(core::hmac_sha256("k", "7.{}")));
  test::TempDir folder;
  auto text = std::string(kReactor);
  const std::string url = "1/hook\"\n";
  text.insert(text.find(url) + url.size(),
              "secret_file = \"" + (folder / "none").string() + "\"\n");
  const auto reactor = Reactor::parse(text, "w");
  ASSERT_TRUE(reactor) << reactor.error().message;
  const auto maker = hub::MessageMaker::load(*reactor);
  ASSERT_FALSE(maker);
  EXPECT_EQ(maker.error().code, core::Errc::kConfig);
}

TEST(MailForm, LinesAreShortAndSubjectsAreEncoded) {
  const std::string subject =
      "Grüße an alle, die schon so lange auf diese Nachricht gewartet haben: ähm";
  const auto text =
      hub::mail_form({"s@example.org", {"a@b", "c@d"}, subject, "Line\nund größer", "k/1", 0});
  EXPECT_TRUE(text.starts_with("Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n")) << text;
  EXPECT_NE(text.find("\r\nMessage-ID: <k/1@example.org>\r\n"), std::string::npos);
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find("\r\n", begin)) != std::string::npos; begin = end + 2) {
    EXPECT_LE(end - begin, 78u) << text.substr(begin, end - begin);
    for (const char c : text.substr(begin, end - begin)) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  }
  EXPECT_EQ(begin, text.size());
}

TEST(DeliveryPlan, AnAnswerSaysWhatFollows) {
  const auto fate = [](int code, bool is_mail = false) {
    return hub::judge({true, code, {}, {}}, is_mail).fate;
  };
  for (const int code : {200, 201, 204}) EXPECT_EQ(fate(code), Fate::kDelivered);
  for (const int code : {408, 425, 429, 502, 503, 504}) EXPECT_EQ(fate(code), Fate::kPause);
  for (const int code : {500, 501, 507}) EXPECT_EQ(fate(code), Fate::kRetry);
  for (const int code : {301, 302, 400, 401, 404, 410, 422}) EXPECT_EQ(fate(code), Fate::kRefuse);
  EXPECT_EQ(fate(250, true), Fate::kDelivered);
  EXPECT_EQ(fate(450, true), Fate::kRetry);
  EXPECT_EQ(fate(550, true), Fate::kRefuse);
  const auto never_reached = hub::judge({false, 0, {}, {}}, false);
  EXPECT_EQ(never_reached.fate, Fate::kPause);
  EXPECT_FALSE(never_reached.counts);
  EXPECT_TRUE(hub::judge({true, 0, {}, {}}, false).counts);
}

TEST(DeliveryPlan, PausesDoubleWithJitterUpToTheLast) {
  projection::DeliverySettings settings;
  settings.backoff_first = 100ms;
  settings.backoff_last = 1000ms;
  core::SeededRandom random(1);
  std::chrono::milliseconds least{10'000}, most{0};
  for (int i = 0; i < 1000; ++i) {
    const auto first = hub::backoff(settings, 1, 0s, random);
    least = std::min(least, first);
    most = std::max(most, first);
    const auto later = hub::backoff(settings, 40, 0s, random);
    EXPECT_GE(later, 500ms);
    EXPECT_LE(later, 1000ms);
  }
  EXPECT_EQ(least, 50ms);
  EXPECT_EQ(most, 100ms);
  EXPECT_EQ(hub::backoff(settings, 1, 7s, random), 7s);
  EXPECT_EQ(hub::backoff(settings, 1, std::chrono::hours(48), random), hub::kAskedMax);
}

}  // namespace
}  // namespace sluice
