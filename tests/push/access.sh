# Registries that want TLS, a password or a token.
# shellcheck shell=bash disable=SC2154 # tests/push/run and common.sh assign the variables

case_a_certificate_of_a_private_authority_is_trusted_on_request() {
  start_registry "$world/tls-registry"
  make_certificates
  start_proxy tls --tls "$world/tls/server.crt" "$world/tls/server.key"
  fails push "$proxy/hello"
  has "$said" "hint: trust the registry's certificate authority: set SSL_CERT_FILE to its certificate, or add: -- --dest-cert-dir DIR"
  none 'digest of a failed push' "$printed"
  same 'with SSL_CERT_FILE' "$(SSL_CERT_FILE=$world/tls/ca.crt push "$proxy/hello" 2>/dev/null)" "$digest"
  mkdir -p "$world/tls/trusted"
  cp "$world/tls/ca.crt" "$world/tls/trusted"
  same 'with --dest-cert-dir' "$(push "$proxy/other" -- --dest-cert-dir "$world/tls/trusted" 2>/dev/null)" "$digest"
  serves "$registry/hello:v1"
  serves "$registry/other:v1"
}

case_a_registry_without_tls_gets_the_option_for_it() {
  start_registry "$world/plain"
  fails push "$registry/hello"
  has "$said" 'hint: the registry has no TLS; add: -- --dest-tls-verify=false'
}

case_login_then_push_with_a_password() {
  start_registry_with_password basic
  fails push "$registry/hello" $no_tls
  has "$said" "hint: log in: nix run .#image.login -- $registry"
  fails login "$registry" --tls-verify=false --username me --password-stdin <<<wrong
  printf '%s' "$password" | login "$registry" --tls-verify=false --username me --password-stdin
  same 'printed digest' "$(push "$registry/hello" $no_tls)" "$digest"
  # A password that has been changed since.
  password=$password-new
  password_file >"$world/basic/users"
  stop_registry
  # docker-registry takes every variable REGISTRY_… as one of its settings.
  unset REGISTRY_AUTH_FILE
  start_registry "$world/basic" "${registry##*:}"
  export REGISTRY_AUTH_FILE=$world/basic/auth.json
  fails push "$registry/hello:v2" $no_tls
  has "$said" "hint: log in: nix run .#image.login -- $registry"
}

case_a_credential_helper_gives_the_password() {
  start_registry_with_password helper
  mkdir -p "$world/helper/bin"
  cat >"$world/helper/bin/docker-credential-test" <<HELPER
#!/bin/sh
echo "\$1" >>"$world/helper/asked"
server=\$(cat)
[ "\$1" = get ] && echo '{"ServerURL":"'"\$server"'","Username":"me","Secret":"'"\$(cat "$world/helper/password")"'"}'
HELPER
  chmod +x "$world/helper/bin/docker-credential-test"
  printf '{ "credHelpers": { "%s": "test" } }\n' "$registry" >"$REGISTRY_AUTH_FILE"
  printf '%s' "$password" >"$world/helper/password"
  same 'printed digest' "$(PATH=$world/helper/bin:$PATH push "$registry/hello" $no_tls)" "$digest"
  has "$(cat "$world/helper/asked")" get
  printf wrong >"$world/helper/password"
  PATH=$world/helper/bin:$PATH fails push "$registry/hello:v2" $no_tls
  has "$said" "hint: log in: nix run .#image.login -- $registry"
  rm "$world/helper/bin/docker-credential-test"
  fails push "$registry/hello:v2" $no_tls
  has "$said" "hint: check the credential helper that the auth file names for $registry: echo $registry | docker-credential-NAME get"
}

# docker-registry with a token service, which is the proxy.
start_registry_with_tokens() { # NAME
  local port
  make_certificates
  # The registry needs the address of the service, and the service, which is the proxy, that of the registry.
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  registry=127.0.0.1:$port
  start_proxy "$1" --token "$world/tls/server.crt" "$world/tls/server.key"
  registry_settings="auth: { token: { realm: \"http://$proxy/token\", service: test, issuer: test, rootcertbundle: \"$world/tls/ca.crt\" } }"
  start_registry "$world/$1" "$port"
  printf '%s\n' "$password" >"$proxy_dir/password"
  echo 300 >"$proxy_dir/lifetime"
  export REGISTRY_AUTH_FILE=$world/$1/auth.json
}

case_a_token_service_issues_tokens_for_a_push() {
  start_registry_with_tokens tokens
  fails push "$proxy/hello" $no_tls
  has "$said" "hint: log in: nix run .#image.login -- $proxy"
  printf '%s' "$password" | login "$proxy" --tls-verify=false --username me --password-stdin
  forget
  same 'printed digest' "$(push "$proxy/hello" $no_tls)" "$digest"
  [ "$(requests '.path | startswith("/token")')" -ge 1 ]
  same 'refused requests' "$(requests '.status == 401 and (.path != "/v2/")')" 0
  # Tokens that expired before they arrive.
  echo -600 >"$proxy_dir/lifetime"
  fails push "$proxy/hello:v2" $no_tls
  has "$said" "hint: log in: nix run .#image.login -- $proxy"
  none 'digest of a failed push' "$printed"
}

# Runs a script and records the arguments and the environment of every process, and what it prints.
traced() { # NAME COMMAND…
  local name=$1
  shift
  in_store strace -f -v -qq -s 4096 -e trace=execve -o "$world/trace-$name" "$@" >"$world/log-$name" 2>&1 || {
    cat "$world/log-$name" >&2
    return 1
  }
}

case_no_credential_is_in_a_store_path_a_log_or_a_process_list() {
  local what encoded commands=(login:login push:copy push-with-oras:cp check-pushed:inspect)
  start_registry_with_tokens secret
  printf '%s' "$password" | traced login "$scripts/login" "$proxy" --tls-verify=false --username me --password-stdin
  traced push "$scripts/push" "$proxy/hello" $no_tls
  traced push-with-oras "$scripts/push-with-oras" "$proxy/oras" -- --to-plain-http
  traced check-pushed "$scripts/check-pushed" "$proxy/hello" "$proxy/oras" -- --tls-verify=false
  # Debian 12 has no cosign.
  if command -v cosign >/dev/null; then
    (cd "$world" && COSIGN_PASSWORD='' cosign generate-key-pair && cosign signing-config create --out signing-config.json) 2>/dev/null
    COSIGN_PASSWORD='' traced sign "$scripts/sign" "$proxy/hello" -- --key "$world/cosign.key" --signing-config "$world/signing-config.json"
    traced verify-signature "$scripts/verify-signature" "$proxy/hello" -- --key "$world/cosign.pub" --insecure-ignore-tlog
    commands+=(sign:sign verify-signature:verify)
  fi
  # Each has run its program, which needed the credentials.
  for what in "${commands[@]}"; do has "$(cat "$world/trace-${what%:*}")" "\"${what#*:}\", "; done
  [ "$(requests '.path | startswith("/token")')" -ge "${#commands[@]}" ]
  has "$(cat "$world/log-push")" "$digest"
  has "$(cat "$world/log-push-with-oras")" "$digest"
  # Errors too.
  echo -600 >"$proxy_dir/lifetime"
  fails push "$proxy/hello:v2" $no_tls >>"$world/log-push"
  fails push_with_oras "$proxy/hello:v2" -- --to-plain-http >>"$world/log-push-with-oras"
  encoded=$(printf 'me:%s' "$password" | base64)
  none 'files with the password' "$(grep -rlF -e "$password" -e "$encoded" "$store/nix/store" "$world"/trace-* "$world"/log-* || true)"
  # The search finds it where it is.
  has "$(cat "$REGISTRY_AUTH_FILE")" "$encoded"
}
