#include "engines/postgres/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "base/quote.h"

namespace spar::engines::postgres {
namespace {

struct Freer {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// Values that must not be shown.
bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

}  // namespace

Result<Conninfo> Conninfo::parse(const std::string& text) {
  char* error = nullptr;
  std::unique_ptr<PQconninfoOption, Freer> options(PQconninfoParse(text.c_str(), &error));
  PQfreemem(error);
  if (!options) {
    auto wrong = failure(Code::invalid, "the address of a server is no connection string");
    wrong.error().hint = "write it as: host=10.0.0.5 port=5432 user=spar password='...'";
    return wrong;
  }
  Conninfo info;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) info.values_.emplace_back(option->keyword, option->val);
  }
  return info;
}

std::string Conninfo::get(std::string_view keyword) const {
  auto found = std::ranges::find(values_, keyword, &decltype(values_)::value_type::first);
  return found == values_.end() ? "" : found->second;
}

std::string Conninfo::place() const {
  return get(get("hostaddr").empty() ? "host" : "hostaddr");
}

std::string Conninfo::named_host() const {
  return get(get("host").empty() ? "hostaddr" : "host");
}

void Conninfo::set(std::string keyword, std::string value) {
  auto found = std::ranges::find(values_, keyword, &decltype(values_)::value_type::first);
  if (found != values_.end()) values_.erase(found);
  if (!value.empty()) values_.emplace_back(std::move(keyword), std::move(value));
}

std::string Conninfo::text() const {
  std::string text;
  for (const auto& [keyword, value] : values_) {
    text += (text.empty() ? "" : " ") + keyword + "=" + quoted(value);
  }
  return text;
}

std::string Conninfo::without_password() const {
  Conninfo shown;
  std::ranges::copy_if(values_, std::back_inserter(shown.values_),
                       [](const auto& each) { return !is_secret(each.first); });
  return shown.text();
}

}  // namespace spar::engines::postgres
