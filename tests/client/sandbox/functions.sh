# For the scripts of the page, read before they start: /arc and /scratch are folders of $SANDBOX, `python` is the
# Python of the tests, and what pip would fetch as canfar is this repository.

inside() {
    INSIDE=()
    local word
    for word in "$@"; do
        case $word in
            /arc/* | /scratch/*) INSIDE+=("$SANDBOX$word") ;;
            *) INSIDE+=("$word") ;;
        esac
    done
}

cd() { inside "$@" && builtin cd "${INSIDE[@]}"; }
cp() { inside "$@" && command cp "${INSIDE[@]}"; }
mkdir() { inside "$@" && command mkdir "${INSIDE[@]}"; }
python() { inside "$@" && "$SANDBOX_PYTHON" "${INSIDE[@]}"; }

rsync() {
    inside "$@"
    if type -P rsync >/dev/null; then
        command rsync "${INSIDE[@]}"
    else # from a folder to a folder, all there is on the page
        command mkdir -p "${INSIDE[2]}" && command cp -a "${INSIDE[1]}." "${INSIDE[2]}"
    fi
}

pip() {
    "$SANDBOX_PYTHON" -m pip --disable-pip-version-check "${@/#canfar/$SANDBOX_REPOSITORY}" \
        --dry-run --no-index --no-deps --no-build-isolation
}
