# Read by the scripts of web servers: requests of many kinds to the port $1. Not run by itself.

agents=(
    'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:26.0) Gecko/20100101 Firefox/26.0'
    'Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.107 Safari/537.36'
    'Mozilla/5.0 (iPhone; CPU iPhone OS 7_0 like Mac OS X) AppleWebKit/537.51.1 Version/7.0 Mobile/11A465 Safari/9537.53'
    'a "quoted" \ agent' 'agent with umlauts äöü' ''
)

# One request that no client would send, as bytes.
raw_request() {
    exec 4<>"/dev/tcp/127.0.0.1/$1"
    printf "$2" >&4
    timeout 5 cat <&4 >/dev/null || true
    exec 4>&-
}

requests() {
    local port=$1 n agent config=$out/requests
    : >"$config"
    for ((n = 0; n < 2000; n++)); do
        agent=${agents[n % ${#agents[@]}]}
        agent=${agent//\\/\\\\}
        agent=${agent//\"/\\\"}
        {
            ((n == 0)) || echo next
            echo 'silent'
            echo 'output = /dev/null'
            echo "user-agent = \"$agent\""
            case $((n % 7)) in
            0) echo "url = http://127.0.0.1:$port/" ;;
            1) echo "url = http://127.0.0.1:$port/page.html?n=$n&q=a%20b%22c" ;;
            2) printf 'url = http://127.0.0.1:%s/\nrequest = POST\ndata = "a=%s"\n' "$port" "$n" ;;
            3) printf 'url = http://127.0.0.1:%s/page.html\nhead\n' "$port" ;;
            4) printf 'url = http://127.0.0.1:%s/page.html\nreferer = "http://example.com/?a=\\"b\\"&c=[d]"\n' "$port" ;;
            5) printf 'url = http://127.0.0.1:%s/page.html\nuser = "user-%s:secret"\nhttp1.0\n' "$port" "$n" ;;
            6) echo "url = http://127.0.0.1:$port/missing/$n.html" ;;
            esac
        } >>"$config"
    done
    curl --config "$config"
    raw_request "$port" '\x16\x03\x01\x00\x05hello\r\n\r\n'
    raw_request "$port" 'GET / HTTP/1.1\r\nno colon\r\n\r\n'
    raw_request "$port" 'nonsense\r\n\r\n'
    raw_request "$port" 'GET /"a"\\b HTTP/1.0\r\nUser-Agent: \x01\xff\r\n\r\n'
}
