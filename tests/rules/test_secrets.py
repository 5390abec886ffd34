"""Which strings are secrets and which only look like them, sixty and more both ways."""

import random
import string

import pytest

from aimux.rules import redact

AWS_SECRET = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"
HEX = "0a1b2c3d4e5f6789"
MIXED = "aB3dE5gH7jK9mN1p"

# text with a secret -> the secret; nothing of it may be left
SECRETS = {
    f"it uses {AWS_SECRET} here": AWS_SECRET,
    AWS_SECRET: AWS_SECRET,
    f'"{AWS_SECRET}"': AWS_SECRET,
    f"aws_secret_access_key = {AWS_SECRET}": AWS_SECRET,
    f"AWS_SECRET_ACCESS_KEY={AWS_SECRET}": AWS_SECRET,
    f'"SecretAccessKey": "{AWS_SECRET}",': AWS_SECRET,
    f"secretAccessKey: '{AWS_SECRET}'": AWS_SECRET,
    f"{AWS_ID}:{AWS_SECRET}": AWS_SECRET,
    f"id {AWS_ID}\nsecret {'xy12' * 10}": "xy12xy12",
    f"{AWS_ID} {'abcdefghij' * 4}": "abcdefghij",
    f"AWS_SESSION_TOKEN={MIXED * 4}": MIXED,
    f"AWS_BEARER_TOKEN_BEDROCK={MIXED * 2}": MIXED,
    "ASIA" + "ABCD" * 4: "ABCDABCD",
    "ABSK" + MIXED * 4: MIXED,
    f"Stripe sk_live_{MIXED}{MIXED}": MIXED,
    "rk_test_" + MIXED * 2: MIXED,
    "whsec_" + MIXED * 2: MIXED,
    "npm_" + (MIXED * 3)[:36]: MIXED,
    f"//registry.example.com/:_authToken={MIXED}": MIXED,
    f"_auth={MIXED}=": MIXED,
    "pypi-AgEIcHlwaS5vcmc" + MIXED * 4: MIXED,
    "dckr_pat_" + MIXED * 2: MIXED,
    "GOCSPX-" + MIXED * 2: MIXED,
    "refresh 1//0" + MIXED * 3: MIXED,
    "glrt-" + MIXED * 2: MIXED,
    "ATATT3" + MIXED * 3: MIXED,
    "dop_v1_" + HEX * 4: HEX,
    "dapi" + HEX * 2: HEX,
    "hvs." + MIXED * 3: MIXED,
    "dp.pt." + MIXED * 3: MIXED,
    "gsk_" + MIXED * 3: MIXED,
    "r8_" + MIXED * 3: MIXED,
    "pplx-" + MIXED * 3: MIXED,
    "xai-" + MIXED * 4: MIXED,
    "nvapi-" + MIXED * 4: MIXED,
    "csk-" + "ab3d" * 12: "ab3dab3d",
    "tvly-dev-" + MIXED * 2: MIXED,
    "fc-" + HEX * 2: HEX,
    HEX * 2 + "." + MIXED: MIXED,
    "xapp-1-A0B1-" + HEX * 3: HEX,
    "https://hooks.slack.com/services/T00/B00/" + MIXED * 2: MIXED,
    "https://discord.com/api/webhooks/1234567890123/" + MIXED * 3: MIXED,
    "bot 123456789:AA" + MIXED * 3: MIXED,
    "SG." + MIXED * 2 + "." + MIXED * 2: MIXED,
    "key-" + HEX * 2: HEX,
    "shpat_" + HEX * 2: HEX,
    "glsa_" + MIXED * 2: MIXED,
    "lin_api_" + MIXED * 3: MIXED,
    "ntn_" + MIXED * 3: MIXED,
    "figd_" + MIXED * 3: MIXED,
    "AGE-SECRET-KEY-1" + "QWERTY" * 9: "QWERTYQWERTY",
    f"DefaultEndpointsProtocol=https;AccountKey={MIXED * 4}==;X=1": MIXED,
    "Server=db;User ID=sa;Pwd=hunter2hunter;": "hunter2hunter",
    f"https://blob.example.com/x?sv=2022&sig={MIXED}%2B": MIXED,
    f"https://s3.example.com/x?X-Amz-Signature={HEX * 4}&a=1": HEX,
    f"https://example.com/cb?access_token={MIXED}": MIXED,
    f"X-Goog-Api-Key: {MIXED}": MIXED,
    f"api-key: {MIXED}": MIXED,
    f"Private-Token: {MIXED}": MIXED,
    f"Proxy-Authorization: Basic {MIXED}": MIXED,
    f"Set-Cookie: session={MIXED}; Path=/": MIXED,
    f"tool --api-key {MIXED} run": MIXED,
    f"tool --token '{MIXED}' run": MIXED,
    "curl -u me:hunter2hunter https://example.com": "hunter2hunter",
    "machine example.com login me password hunter2hunter": "hunter2hunter",
    f"clientSecret: {MIXED}": MIXED,
    f"client_secret = {MIXED}": MIXED,
    f"PRIVATE_KEY={MIXED}": MIXED,
    f"encryptionKey: {MIXED}": MIXED,
    "PASSPHRASE=correct-horse": "correct-horse",
    "DB_PWD=hunter2hunter": "hunter2hunter",
}

PLAIN = [
    # hashes, ids, blocks
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
    "sha256:" + HEX * 4,
    "sha512-" + (MIXED * 6)[:86] + "==",
    "integrity sha1-" + MIXED + "abcdefghijk=",
    "736bd807-d4ce-482f-b62f-06fa6a560b2d",
    "job_01K9Z3QX5V7W2Y4A6B8C0D1E2F",
    "ses_dfcc35d79ffebbvCMlHnT7gMlf",
    "msg_2033ca618001kBionEO8PoQfyF",
    "toolu_01A2B3C4D5E6F7G8H9",
    "req_011CaUa66aLnUk1L2q2MSyRy",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" * 4,
    ("AbCdEfGh1234" * 7)[:76] + "\n" + ("Zz9Yy8Xx7Ww6" * 4)[:40],
    "0x" + "aB3dE5" * 6 + "aB3d",
    'etag W/"5f-' + MIXED + '"',
    # names and paths of forty characters
    "src/components/Header2/Button/indexFiles",
    "getUserAccountByIdAndUpdateTimestampV2Xx",
    "TestClassThatChecksTheResultOfRun12Times",
    "Users/JohnDoe1/Projects/MyApp2/Src/Main4",
    "org/apache/commons/lang3/StringUtils12Ab",
    "node_modules/@scope/package/dist/index.js",
    "/usr/lib/python3/dist-packages/foo/bar.py",
    "a" * 40,
    "0" * 40,
    "=" * 40,
    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmn",
    # figures and switches beside the names of secrets
    "input_tokens: 500, total_tokens=700",
    "max_token=4096",
    "TOKEN_LIMIT=200000",
    "MAX_TOKENS_PER_MINUTE=10000",
    '"token": null',
    "token: 5",
    "secret: false",
    "password: none",
    "api_key: undefined",
    "tokenizer=fast",
    "the bearer token expired",
    "Incorrect API key provided",
    "the secret is out",
    "private key files are ignored",
    "primary_key=id",
    "keyboard: us",
    "public_key=abc",
    "monkey=banana",
    "foreign_key: user_id",
    # places where a value would stand
    "OPENAI_API_KEY=$OPENAI_API_KEY tool",
    "API_KEY=${API_KEY}",
    "api_key: ${{ secrets.API_KEY }}",
    "apiKey: process.env.API_KEY",
    "token=os.environ['X']",
    "password=<your password>",
    "api_key=***",
    "API_KEY=xxxx",
    "tool --api-key KEY --token TOKEN",
    "tool --token-limit 4000",
    "--password-file /etc/x",
    "PWD=/srv/project",
    "OLDPWD=/srv",
    # other texts
    "see https://host:8080/path",
    "https://example.com/?q=signature&page=2",
    "a cookie: it keeps the session",
    "sort -u file:1",
    "token = parse(line)",
    "secret = settings.secret",
    "ask-me-anything-about-this-long-word",
    "the risk-assessment-of-the-whole-project",
    "version 1.2.3-alpha.4+build.567",
    "2026-01-01T00:00:00.000Z INFO started",
    "key-value store",
    "hf_hub_download(repo)",
    "npm_config_cache=/srv/.npm",
    "gh repo clone",
    "SKIPPED 3 tests",
    "sl.append(x)",
]


def test_there_are_enough_of_both() -> None:
    """And each stands for itself."""
    assert len(SECRETS) >= 60
    assert len(PLAIN) >= 60
    assert len({*PLAIN}) == len(PLAIN)


@pytest.mark.parametrize(("text", "secret"), SECRETS.items(), ids=range(len(SECRETS)))
def test_a_secret_is_masked_and_nothing_of_it_is_left(text: str, secret: str) -> None:
    """In every frame, and once is enough."""
    for frame in ("{}", "before {} after", '{{"log":"{}"}}', "line\n{}\nline"):
        shown = redact(frame.format(text))

        assert secret not in shown
        assert "[REDACTED:" in shown
        assert redact(shown) == shown


@pytest.mark.parametrize("text", PLAIN, ids=range(len(PLAIN)))
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """A mask over a hash or a path makes a log useless."""
    assert redact(text) == text
    assert redact(f"line\n{text}\nline") == f"line\n{text}\nline"


def test_bare_secrets_of_aws_are_masked_but_for_a_few() -> None:
    """What is random looks random, nearly always."""
    dice = random.Random(7)
    alphabet = string.ascii_letters + string.digits + "/+"
    drawn = ["".join(dice.choices(alphabet, k=40)) for _ in range(2_000)]
    missed = [each for each in drawn if each in redact(f"secret half: {each}.")]

    assert len(missed) < 0.06 * len(drawn)


def test_the_rest_of_the_text_stays_as_it_is() -> None:
    """Only the value goes, not its name, its neighbours or the lines beside it."""
    text = f"export AWS_SECRET_ACCESS_KEY={AWS_SECRET}; ls -l\n{AWS_ID} {AWS_SECRET} done"

    assert redact(text) == (
        "export AWS_SECRET_ACCESS_KEY=[REDACTED:value]; ls -l\n"
        "[REDACTED:aws] [REDACTED:aws-secret] done"
    )
