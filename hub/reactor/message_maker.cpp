// SPDX-License-Identifier: Apache-2.0
#include "hub/reactor/message_maker.hpp"

#include <fstream>
#include <sstream>

#include "core/codec/json_data.hpp"
#include "core/hash.hpp"
#include "core/text.hpp"
#include "hub/reactor/mail_form.hpp"
#include "projection/reactor/mail_text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using outbound::Message;

namespace {

// The first line, as of a password file.
Result<std::string> read_secret(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (!in || !std::getline(in, text))
    return fail(Errc::kConfig, "cannot read a secret from " + file);
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.empty()) return fail(Errc::kConfig, file + ": its first line, the secret, is empty");
  return text;
}

// A header is one line, whatever a device says.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::string event_document(std::string_view reactor, std::string_view reaction,
                           std::string_view key, const core::EventView& event) {
  std::string out = "{\"reactor\":";
  codec::append_json_text(reactor, out);
  out += ",\"reaction\":";
  codec::append_json_text(reaction, out);
  out += ",\"key\":";
  codec::append_json_text(key, out);
  out += ",\"event\":";
  codec::event_to_json(event, out);
  return out + "}";
}

}  // namespace

std::string webhook_signature(std::string_view secret, std::int64_t now_ns, std::string_view body) {
  const std::string seconds = std::to_string(now_ns / 1'000'000'000);
  std::string signed_text = seconds + ".";
  signed_text += body;
  return "t=" + seconds + ",v1=" + core::to_hex(core::hmac_sha256(secret, signed_text));
}

Result<std::unique_ptr<MessageMaker>> MessageMaker::load(
    std::shared_ptr<const projection::Reactor> reactor) {
  std::unique_ptr<MessageMaker> maker(new MessageMaker(std::move(reactor)));
  std::vector<std::string> files;
  for (const projection::Reaction& reaction : maker->reactor_->reactions())
    if (const auto* webhook = std::get_if<projection::Webhook>(&reaction.message))
      files.push_back(webhook->secret_file);
  if (const auto& smtp = maker->reactor_->smtp()) {
    files.push_back(smtp->user_file);
    files.push_back(smtp->password_file);
  }
  for (const std::string& file : files) {
    if (file.empty()) continue;
    auto secret = read_secret(file);
    if (!secret)
      return fail(Errc::kConfig, maker->reactor_->file() + ": " + secret.error().message);
    maker->secrets_[file] = std::move(*secret);
  }
  return maker;
}

Result<Message> MessageMaker::make(const projection::Reaction& reaction,
                                   const core::EventView& event, std::string_view key,
                                   std::int64_t now_ns) const {
  if (const auto* webhook = std::get_if<projection::Webhook>(&reaction.message))
    return post(reaction, *webhook, event, key, now_ns);
  return mail(std::get<projection::Email>(reaction.message), event, key, now_ns);
}

Result<Message> MessageMaker::post(const projection::Reaction& reaction,
                                   const projection::Webhook& webhook, const core::EventView& event,
                                   std::string_view key, std::int64_t now_ns) const {
  outbound::HttpPost out;
  out.url = webhook.url;
  if (webhook.body.empty()) {
    out.body = event_document(reactor_->name(), reaction.name, key, event);
  } else {
    for (const auto& [name, text] : webhook.body) {
      auto value = text.render(event);
      if (!value) return value.error();
      out.body += out.body.empty() ? "{" : ",";
      codec::append_json_text(name, out.body);
      out.body += ":";
      codec::append_json_text(*value, out.body);
    }
    out.body += "}";
  }
  out.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", std::string(key)}};
  for (const auto& [name, text] : webhook.headers) {
    auto value = text.render(event);
    if (!value) return value.error();
    out.headers.emplace_back(name, one_line(std::move(*value)));
  }
  if (!webhook.secret_file.empty())
    out.headers.emplace_back("Sluice-Signature",
                             webhook_signature(secrets_.at(webhook.secret_file), now_ns, out.body));
  return Message(std::move(out));
}

Result<Message> MessageMaker::mail(const projection::Email& email, const core::EventView& event,
                                   std::string_view key, std::int64_t now_ns) const {
  const projection::SmtpSettings& smtp = *reactor_->smtp();
  outbound::Mail out;
  out.server = smtp.url;
  out.starttls = smtp.starttls && smtp.url.starts_with("smtp://");
  out.ca_file = smtp.ca_file;
  out.sender = smtp.sender;
  if (!smtp.user_file.empty()) {
    out.user = secrets_.at(smtp.user_file);
    out.password = secrets_.at(smtp.password_file);
  }
  for (const projection::TextTemplate& to : email.to) {
    auto address = to.render(event);
    if (!address) return address.error();
    if (!projection::is_mail_address(*address))
      return fail(Errc::kBadRequest, "'" + core::printable(*address) + "' is not one plain address",
                  "to");
    out.recipients.push_back(std::move(*address));
  }
  auto subject = email.subject.render(event);
  if (!subject) return subject.error();
  auto body = email.body.render(event);
  if (!body) return body.error();
  out.text = mail_form({smtp.sender, out.recipients, one_line(std::move(*subject)), *body,
                        std::string(key), now_ns});
  return Message(std::move(out));
}

}  // namespace sluice::hub
