#!/bin/sh
# Prepares deploy/compose: the static binaries in dist/, and in secrets/ a random password, unless there is one.
set -eu
cd "$(dirname "$0")/.."
: "${GO:=go}"
here=deploy/compose
mkdir -p $here/dist/empty $here/secrets
cp bin/leat $here/dist/leat
(cd tools && CGO_ENABLED=0 $GO build -trimpath -ldflags '-s -w' -o ../$here/dist/nats-server github.com/nats-io/nats-server/v2)

if [ -e $here/secrets/leat_nats ]; then
	password=$(sed 's,^nats://leat:\(.*\)@nats:4222$,\1,' $here/secrets/leat_nats)
else
	password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf 'nats://leat:%s@nats:4222\n' "$password" >$here/secrets/leat_nats
fi
cat >$here/secrets/nats_accounts.conf <<END
accounts {
  LEAT {
    jetstream: { max_mem: 128MB, max_file: 700GB, max_bytes_required: true }
    users: [ { user: leat, password: "$password" } ]
    exports: [
      { service: "leat.api.>", response_type: stream, accounts: [APP] }
      { service: "\$SRV.>", response_type: stream, accounts: [APP] }
    ]
  }
  APP {
    jetstream: { max_mem: 128MB, max_file: 300GB }
    users: [ { user: app, password: "app" } ]
    imports: [
      { service: { account: LEAT, subject: "leat.api.>" } }
      { service: { account: LEAT, subject: "\$SRV.>" } }
    ]
  }
}
no_auth_user: app
END
# Containers run as another user: the files must be readable there; the folder is not, for others here.
chmod 700 $here/secrets
chmod 644 $here/secrets/leat_nats $here/secrets/nats_accounts.conf
