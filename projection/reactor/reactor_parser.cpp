// SPDX-License-Identifier: Apache-2.0
#include "projection/reactor/reactor_parser.hpp"

#include <algorithm>
#include <charconv>

#include "core/ids.hpp"
#include "core/text.hpp"
#include "projection/reactor/mail_text.hpp"

namespace sluice::projection {

using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kNameBytes = 48;
constexpr std::size_t kRecipientsMax = 20;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytes && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_gateway_pattern(std::string_view text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  return text.empty() || core::GatewayId::parse(text);
}

bool is_url(std::string_view url, std::string_view scheme, std::string_view secure) {
  const std::string_view start = url.starts_with(secure) ? secure : scheme;
  return url.starts_with(start) && url.size() > start.size() && url[start.size()] != '/' &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; }) &&
         url.find_first_of("{}\"<>\\^`") == std::string_view::npos &&
         url.substr(start.size(), url.find('/', start.size()) - start.size()).find('@') ==
             std::string_view::npos;
}

// RFC 9110's token.
bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Headers that say how the message is carried, or that are Sluice's own word.
bool is_own_header(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const std::string_view own :
       {"host", "content-length", "content-type", "transfer-encoding", "connection", "expect",
        "idempotency-key", "sluice-signature", "user-agent"})
    if (lower == own) return true;
  return false;
}

}  // namespace

Result<std::shared_ptr<const Reactor>> ReactorParser::run() {
  auto reactor = std::make_shared<Reactor>();
  reactor->file_ = file_;
  refuse_unknown(root_, {"reactor", "from", "description", "where", "on", "delivery", "smtp"},
                 errors_);
  head(*reactor);
  where(*reactor);
  delivery(*reactor);
  smtp(*reactor);
  const toml::node* on = root_.get("on");
  const toml::array* rules = on == nullptr ? nullptr : on->as_array();
  if (rules == nullptr || rules->empty()) {
    errors_.add(root_, "a reactor needs at least one [[on]]");
  } else {
    for (const toml::node& item : *rules) {
      if (const toml::table* one = item.as_table())
        reaction(*reactor, *one);
      else
        errors_.add(item, "must be a section [[on]]");
    }
  }
  if (!errors_.empty()) return errors_.all();
  return std::shared_ptr<const Reactor>(std::move(reactor));
}

void ReactorParser::head(Reactor& reactor) {
  if (const auto name = text_at(root_, "reactor", errors_)) {
    if (is_name(*name))
      reactor.name_ = *name;
    else
      errors_.add(*root_.get("reactor"), "'reactor' must be [a-z][a-z0-9-]*, at most 48 bytes");
  } else if (root_.get("reactor") == nullptr) {
    errors_.add(root_, "'reactor', the reactor's name, is missing");
  }
  if (const auto from = text_at(root_, "from", errors_)) {
    reactor.from_beginning_ = *from == "beginning";
    if (*from != "beginning" && *from != "now")
      errors_.add(*root_.get("from"), "'from' must be \"now\" or \"beginning\"");
  }
  text_at(root_, "description", errors_);
}

void ReactorParser::where(Reactor& reactor) {
  const toml::table* from = table_at(root_, "where", errors_);
  if (from == nullptr) return;
  refuse_unknown(*from, {"gateways", "categories", "types"}, errors_);
  reactor.gateways_ = texts_at(*from, "gateways", errors_);
  reactor.categories_ = texts_at(*from, "categories", errors_);
  reactor.types_ = texts_at(*from, "types", errors_);
  for (const std::string& gateway : reactor.gateways_)
    if (!is_gateway_pattern(gateway))
      errors_.add(*from->get("gateways"),
                  "'" + core::printable(gateway) + "' is no gateway id; '*' may only end it");
}

void ReactorParser::number(const toml::table& table, std::string_view key, std::int64_t& value,
                           std::int64_t min, std::int64_t max) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return;
  const auto given = node->value_exact<std::int64_t>();
  if (given && *given >= min && *given <= max)
    value = *given;
  else
    errors_.add(*node, "'" + std::string(key) + "' must be a whole number from " +
                           std::to_string(min) + " to " + std::to_string(max));
}

void ReactorParser::duration(const toml::table& table, std::string_view key, milliseconds& value,
                             milliseconds min, milliseconds max) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return;
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
  const auto text = node->value_exact<std::string>();
  std::int64_t count = -1;
  std::string_view unit;
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
    unit = std::string_view(*text).substr(static_cast<std::size_t>(end - text->data()));
    if (error != std::errc()) count = -1;
  }
  for (const auto& [word, factor] : kUnits)
    if (unit == word && count >= 0 && count <= max.count() / factor &&
        count * factor >= min.count()) {
      value = milliseconds(count * factor);
      return;
    }
  errors_.add(*node, "'" + std::string(key) + "' must be a duration from " +
                         core::human_duration(min.count() * 1'000'000) + " to " +
                         core::human_duration(max.count() * 1'000'000) +
                         ", written with ms, s, min or h");
}

void ReactorParser::delivery(Reactor& reactor) {
  const toml::table* from = table_at(root_, "delivery", errors_);
  if (from == nullptr) return;
  refuse_unknown(*from, {"concurrency", "timeout", "attempts", "backoff_first", "backoff_last"},
                 errors_);
  DeliverySettings& settings = reactor.delivery_;
  number(*from, "concurrency", settings.concurrency, 1, 64);
  number(*from, "attempts", settings.attempts, 1, 1000);
  duration(*from, "timeout", settings.timeout, milliseconds(100), milliseconds(120'000));
  duration(*from, "backoff_first", settings.backoff_first, milliseconds(10),
           milliseconds(3'600'000));
  duration(*from, "backoff_last", settings.backoff_last, milliseconds(10),
           milliseconds(24 * 3'600'000));
  if (settings.backoff_last < settings.backoff_first)
    errors_.add(*from, "'backoff_last' is shorter than 'backoff_first'");
}

void ReactorParser::smtp(Reactor& reactor) {
  const toml::table* from = table_at(root_, "smtp", errors_);
  if (from == nullptr) return;
  refuse_unknown(*from, {"url", "sender", "starttls", "user_file", "password_file", "ca_file"},
                 errors_);
  SmtpSettings smtp;
  smtp.url = text_at(*from, "url", errors_).value_or("");
  if (!is_url(smtp.url, "smtp://", "smtps://"))
    errors_.add(*from, "'url' must be smtp://HOST:PORT or smtps://HOST:PORT, without a login");
  smtp.sender = text_at(*from, "sender", errors_).value_or("");
  if (!is_mail_address(smtp.sender))
    errors_.add(*from, "'sender' must be one address, such as sluice@example.org");
  smtp.starttls = flag_at(*from, "starttls", errors_).value_or(true);
  smtp.user_file = text_at(*from, "user_file", errors_).value_or("");
  smtp.password_file = text_at(*from, "password_file", errors_).value_or("");
  smtp.ca_file = text_at(*from, "ca_file", errors_).value_or("");
  if (smtp.user_file.empty() != smtp.password_file.empty())
    errors_.add(*from, "'user_file' and 'password_file' go together");
  if (!smtp.user_file.empty() && !smtp.starttls && smtp.url.starts_with("smtp://"))
    errors_.add(*from, "a password is sent only over TLS: starttls = true, or smtps://");
  reactor.smtp_ = std::move(smtp);
}

std::optional<TextTemplate> ReactorParser::place(const toml::node& node, const std::string& text) {
  auto parsed = TextTemplate::parse(text);
  if (parsed) return std::move(*parsed);
  errors_.add(node, parsed.error().message);
  return std::nullopt;
}

std::optional<TextTemplate> ReactorParser::text_template(const toml::table& table,
                                                         std::string_view key) {
  const auto text = text_at(table, key, errors_);
  if (text) return place(*table.get(key), *text);
  if (table.get(key) == nullptr) errors_.add(table, "'" + std::string(key) + "' is missing");
  return std::nullopt;
}

std::vector<std::pair<std::string, TextTemplate>> ReactorParser::templates(const toml::table& from,
                                                                           bool are_headers) {
  std::vector<std::pair<std::string, TextTemplate>> out;
  for (const TomlEntry& entry : entries_of(from)) {
    const auto text = entry.node->value_exact<std::string>();
    if (!text) {
      errors_.add(entry.where, "must be text");
      continue;
    }
    if (are_headers && (!is_header_name(entry.key) || is_own_header(entry.key))) {
      errors_.add(entry.where, "'" + core::printable(entry.key) +
                                   "' cannot be set: it is no header's name, or Sluice sets it");
      continue;
    }
    if (auto parsed = place(*entry.node, *text)) out.emplace_back(entry.key, std::move(*parsed));
  }
  return out;
}

std::optional<Webhook> ReactorParser::webhook(const toml::table& from) {
  refuse_unknown(from, {"url", "headers", "body", "secret_file"}, errors_);
  Webhook out;
  out.url = text_at(from, "url", errors_).value_or("");
  if (!is_url(out.url, "http://", "https://"))
    errors_.add(from,
                "'url' must be http://... or https://..., without a login and without '{...}': "
                "where messages go is never decided by an event");
  out.secret_file = text_at(from, "secret_file", errors_).value_or("");
  if (const toml::table* headers = table_at(from, "headers", errors_))
    out.headers = templates(*headers, true);
  if (const toml::table* body = table_at(from, "body", errors_)) out.body = templates(*body, false);
  return out;
}

std::optional<Email> ReactorParser::email(const toml::table& from) {
  refuse_unknown(from, {"to", "subject", "body"}, errors_);
  Email out;
  const auto to = texts_at(from, "to", errors_);
  if (from.get("to") == nullptr) errors_.add(from, "'to' is missing");
  if (to.size() > kRecipientsMax) errors_.add(from, "'to' names more than 20 recipients");
  for (const std::string& one : to)
    if (auto parsed = place(*from.get("to"), one)) out.to.push_back(std::move(*parsed));
  auto subject = text_template(from, "subject");
  auto body = text_template(from, "body");
  if (!subject || !body) return std::nullopt;
  out.subject = std::move(*subject);
  out.body = std::move(*body);
  return out;
}

void ReactorParser::reaction(Reactor& reactor, const toml::table& from) {
  refuse_unknown(from, {"type", "category", "name", "webhook", "email"}, errors_);
  Reaction out;
  out.types = texts_at(from, "type", errors_);
  if (from.get("type") == nullptr) errors_.add(from, "'type' is missing");
  out.categories = texts_at(from, "category", errors_);
  const toml::table* hook = table_at(from, "webhook", errors_);
  const toml::table* mail = table_at(from, "email", errors_);
  if ((hook == nullptr) == (mail == nullptr)) {
    errors_.add(from, "an [[on]] has either 'webhook' or 'email'");
    return;
  }
  out.name = text_at(from, "name", errors_).value_or(hook != nullptr ? "webhook" : "email");
  if (!is_name(out.name))
    errors_.add(from, "'name' must be [a-z][a-z0-9-]*, at most 48 bytes");
  else if (reactor.find(out.name) != nullptr)
    errors_.add(from, "a second [[on]] is called '" + out.name +
                          "': give each a 'name', by which the outbox remembers its messages");
  if (hook != nullptr) {
    if (auto webhook_read = webhook(*hook)) out.message = std::move(*webhook_read);
  } else {
    if (!reactor.smtp_) errors_.add(from, "'email' needs a section [smtp] with url and sender");
    if (auto email_read = email(*mail)) out.message = std::move(*email_read);
  }
  reactor.reactions_.push_back(std::move(out));
}

}  // namespace sluice::projection
