"""What is fuzzed: where inputs come from, and what must hold for every one of them."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from google.protobuf import message_factory
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from heed.contract import ImageInput
from heed.pictures import PictureError, read_picture
from heed.text import (
    Tokenizer,
    TokenizerError,
    TokenizerKind,
    TokenizerSettings,
    train_tokenizer,
)
from heed.text.sentences import split_sentences
from heed.text.words import word_spans
from heed.v1 import inference_pb2
from heed.wire.inference import grpc_inference_pb2
from heed.wire.v1 import serving_pb2
from service.api.caption_messages import read_caption
from service.api.classify_messages import read_classify
from service.api.from_messages import read_generate, read_score, read_selector
from service.api.open_inference_requests import read_infer
from service.api.stream_messages import read_stream_generate
from service.api.tokenize_messages import read_tokenize
from service.backends.tensor_codec import TensorError, decode_tensor, encode_tensor
from service.errors import InvalidRequestError
from service.http.json_reader import read_json
from service.http.json_writer import write_json
from service.rpc.request_decoding import UndecodableRequest, make_decoder
from service.security.api_keys import ApiKeyFileError, KeyRing, make_key, parse_api_keys


@dataclass(frozen=True)
class Target:
    """Something that takes input from outside.

    Attributes:
        name: What it is.
        inputs: Where its inputs come from.
        check: Fails if it does with an input what it must not.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


# Text as people and attackers write it: combining marks, joined emoji, both directions, controls.
LUMPS: Final = st.sampled_from(
    [
        *("e\u0301", "a\u0323\u0308\u0304", "\u1100\u1161\u11a8", "ﬁ", "ß", "İ", "ǅ", "ﷺ"),
        *("👩\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "🇫🇷", "👍🏽", "1\ufe0f\u20e3"),
        *("שלום", "مرحبا", "\u202eevil\u202c", "\u2067x\u2069", "\u0e01\u0e33", "नि", "東京へ。"),
        *("\x00", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "\u200b", "\u00a0", "\u3000", "▁"),
        *("</s>", "<unk>", "<0x41>", "\t", "\r\n", "\u2028", ". ", "?! ", "...", "Dr. No"),
    ]
)
TEXTS: Final = st.lists(st.text(max_size=8) | LUMPS, max_size=12).map("".join)


@functools.cache
def tokenizers() -> tuple[Tokenizer, ...]:
    """One of every kind."""
    corpus = ["the cat sat", "été à la plage", "ﬁnd 東京", "naïve façade", "abcdefghijklm"] * 3
    kinds = {
        TokenizerKind.CHARACTER: {},
        TokenizerKind.WORD: {"lowercase": False},
        TokenizerKind.BPE: {"vocabulary_size": 60},
    }
    return tuple(
        Tokenizer(train_tokenizer(corpus, TokenizerSettings(kind=kind, **more)))
        for kind, more in kinds.items()
    )


def check_offsets(text: str) -> None:
    """Spans lie in the text, in order, and give the token's own characters."""
    for tokenizer in tokenizers():
        last = 0
        for token in tokenizer.encode(text):
            assert 0 <= token.begin <= token.end <= len(text)
            assert token.begin >= last
            assert text[token.begin : token.end] == token.text
            assert 0 <= token.id < tokenizer.vocabulary_size
            last = token.begin
        assert [token.id for token in tokenizer.encode(text)] == tokenizer.encode_ids(text)


def check_decoding(token_ids: list[int]) -> None:
    """Ids become text with a span for each, or an error."""
    for tokenizer in tokenizers():
        try:
            decoded = tokenizer.decode(token_ids)
        except TokenizerError:
            assert not all(0 <= each < tokenizer.vocabulary_size for each in token_ids)
            continue
        for token in decoded.tokens:
            assert decoded.text[token.begin : token.end] == token.text


def check_spans(text: str) -> None:
    """Words and sentences lie in the text, in order, apart, and leave out white space alone."""
    sentences = [(span.begin, span.end) for span in split_sentences(text)]
    for spans in (word_spans(text), sentences):
        last = 0
        for begin, end in [*spans, (len(text), len(text))]:
            assert last <= begin <= end <= len(text)
            assert not text[last:begin].replace("\u200b", "").strip()
            last = end


SERVICE: Final = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"]
REQUEST_TYPES: Final = [method.input_type for method in SERVICE.methods]
DECODERS: Final = {each.name: make_decoder(each) for each in REQUEST_TYPES}
READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "GenerateRequest": lambda message: read_generate(message, None),
    "StreamGenerateRequest": lambda message: read_stream_generate(message, None),
    "ScoreRequest": lambda message: read_score(message, None),
    "CaptionRequest": lambda message: read_caption(message, None),
    "ClassifyRequest": lambda message: read_classify(message, None),
    "TokenizeRequest": read_tokenize,
    "GetModelRequest": lambda message: read_selector(message.model),
}


@st.composite
def damaged_messages(draw: st.DrawFn) -> tuple[str, bytes]:
    """A request with some bytes changed, cut off or put in; or bytes alone."""
    name = draw(st.sampled_from(sorted(DECODERS)))
    if draw(st.booleans()):
        return name, draw(st.binary(max_size=200))
    whole = bytearray(draw(generate_requests()).SerializeToString())
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(whole)))
        whole[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return name, bytes(whole)


@st.composite
def generate_requests(draw: st.DrawFn) -> Message:
    """Requests that may be wrong in every way that the proto allows."""
    numbers = st.integers(-(2**31), 2**31 - 1)
    request = inference_pb2.GenerateRequest(texts=draw(st.lists(TEXTS, max_size=3)))
    request.model.name = draw(TEXTS)
    if draw(st.booleans()):
        request.model.version = draw(st.integers(-(2**63), 2**63 - 1))
    request.options.prefix = draw(TEXTS)
    request.options.max_length = draw(numbers)
    request.options.attention = draw(numbers)  # type: ignore[assignment]
    request.priority = draw(numbers)  # type: ignore[assignment]
    if draw(st.booleans()):
        request.options.beam_width = draw(numbers)
        request.options.length_penalty = draw(st.floats(width=32))
    if draw(st.booleans()):
        request.options.sampling.top_p = draw(st.floats(width=32))
        request.options.sampling.top_k = draw(numbers)
    return request


def check_request(case: tuple[str, bytes]) -> None:
    """Bytes become a message or the fields that are wrong, and a message a call or an error."""
    name, serialized = case
    decoded = DECODERS[name](serialized)
    if isinstance(decoded, UndecodableRequest):
        assert decoded.violations
        assert all(each.field and each.description for each in decoded.violations)
        return
    again = DECODERS[name](decoded.SerializeToString())
    assert isinstance(again, Message)
    assert again.SerializeToString() == decoded.SerializeToString()
    reader = READERS.get(name)
    if reader is not None:
        _refused_or(lambda: reader(decoded))


def _refused_or(work: Callable[[], object]) -> None:
    with contextlib.suppress(InvalidRequestError):
        work()


def field_names() -> list[str]:
    """The names of all fields of all requests, in both of their forms."""
    waiting, seen = list(REQUEST_TYPES), dict[str, Any]()
    while waiting:
        kind = waiting.pop()
        if kind.full_name not in seen:
            seen[kind.full_name] = kind
            waiting += [field.message_type for field in kind.fields if field.message_type]
    fields = [field for kind in seen.values() for field in kind.fields]
    return sorted({name for field in fields for name in (field.name, field.json_name)})


ODD_VALUES: Final = st.sampled_from(
    ["\ud800", "x\udfff", 10**30, -(10**30), 1e300, -0.0, "", "NaN"]
)
JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | ODD_VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(field_names()) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES: Final = st.tuples(
    st.sampled_from(sorted(DECODERS)),
    st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)


def check_json(case: tuple[str, bytes]) -> None:
    """A body becomes a message that can be written again, or the fields that are wrong."""
    name, body = case
    message_class = message_factory.GetMessageClass(
        next(each for each in REQUEST_TYPES if each.name == name)
    )
    message = message_class()
    try:
        read_json(body, message)
    except InvalidRequestError as error:
        error.message.encode()
        return
    again = message_class()
    read_json(write_json(message).encode(), again)
    assert again.SerializeToString() == message.SerializeToString()


PARAMETER_NAMES: Final = st.sampled_from(
    [
        *("max_length", "beam_width", "temperature", "seed", "sample", "priority", "prefix"),
        *("num_samples", "replace_unknown"),
    ]
)


@st.composite
def open_inference_requests(draw: st.DrawFn) -> grpc_inference_pb2.ModelInferRequest:
    """Requests of the Open Inference Protocol, with texts as raw bytes or as a field."""
    request = grpc_inference_pb2.ModelInferRequest(
        model_name=draw(TEXTS), model_version=draw(st.sampled_from(["", "1", "-1", "9" * 30, "٣"]))
    )
    names, kinds = (
        st.sampled_from(["text", "text", "texts", ""]),
        st.sampled_from(["BYTES", "FP32"]),
    )
    for _ in range(draw(st.integers(0, 2))):
        tensor = request.inputs.add(name=draw(names), datatype=draw(kinds))
        tensor.shape.extend(draw(st.lists(st.integers(-1, 3) | st.just(2**62), max_size=3)))
        tensor.contents.bytes_contents.extend(draw(st.lists(st.binary(max_size=6), max_size=3)))
    raw = st.lists(st.binary(max_size=6), max_size=3).map(
        lambda texts: b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    )
    request.raw_input_contents.extend(draw(st.lists(raw | st.binary(max_size=12), max_size=2)))
    for name in draw(st.lists(PARAMETER_NAMES | st.text(max_size=4), max_size=3)):
        parameter = request.parameters[name]
        kind, value = draw(
            st.tuples(st.just("string_param"), TEXTS | st.sampled_from(["1", "9" * 5000, "nan"]))
            | st.tuples(st.just("int64_param"), st.integers(-(2**63), 2**63 - 1))
            | st.tuples(st.just("double_param"), st.floats())
            | st.tuples(st.just("bool_param"), st.booleans())
        )
        setattr(parameter, kind, value)
    return request


def check_open_inference(request: grpc_inference_pb2.ModelInferRequest) -> None:
    """A request becomes a call, or an error."""
    _refused_or(lambda: read_infer(request, None))


@st.composite
def tensor_messages(draw: st.DrawFn) -> serving_pb2.TensorProto:
    """Tensors of a model server that has lost its mind; small enough to be made."""
    sizes = st.integers(-2, 9) | st.sampled_from([-(2**63), 2**31, 2**40, 2**62])
    tensor = serving_pb2.TensorProto(
        dtype=draw(st.integers(0, 25) | st.integers(-(2**31), 2**31 - 1)),  # type: ignore[arg-type]
        tensor_content=draw(st.just(b"") | st.binary(max_size=64)),
    )
    tensor.tensor_shape.unknown_rank = draw(st.booleans()) and draw(st.booleans())
    for size in draw(st.lists(sizes, max_size=4)):
        tensor.tensor_shape.dim.add(size=size)
    numbers = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6)
    tensor.int_val.extend(draw(numbers))
    tensor.half_val.extend(draw(numbers))
    tensor.float_val.extend(draw(st.lists(st.floats(width=32), max_size=6)))
    tensor.double_val.extend(draw(st.lists(st.floats(), max_size=4)))
    tensor.int64_val.extend(draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)))
    tensor.bool_val.extend(draw(st.lists(st.booleans(), max_size=4)))
    tensor.string_val.extend(draw(st.lists(st.binary(max_size=5), max_size=4)))
    return tensor


def check_tensor(tensor: serving_pb2.TensorProto) -> None:
    """A tensor becomes an array of its shape, or an error."""
    try:
        array = decode_tensor(tensor)
    except TensorError:
        return
    assert array.shape == tuple(dim.size for dim in tensor.tensor_shape.dim)


ARRAYS: Final = arrays.arrays(
    st.sampled_from(
        [np.dtype(name) for name in ("<f4", "<f8", "<i4", "<i8", "i1", "u1", "<i2", "?", "<f2")]
    ),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


def check_round_trip(array: np.ndarray[Any, Any]) -> None:
    """An array comes back as it went, through bytes."""
    serialized = encode_tensor(array).SerializeToString()
    back = decode_tensor(serving_pb2.TensorProto.FromString(serialized))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


KEY: Final = make_key()[0]
TOML_LINES: Final = st.lists(
    st.sampled_from(
        [
            *("[[keys]]", "[keys]", 'id = "0badcafe"', 'id = "1"', 'name = "a"', "name = 1"),
            *(f'sha256 = "{"0" * 64}"', f'sha256 = "{KEY}"', "requests_per_s = 1e400"),
            *('models = ["*"]', "models = []", 'models = ["["]', "tokens_per_s = -1"),
            *("expires = 2030-01-01", "expires = 0001-01-01T00:00:00Z", "max_calls = 1_0"),
            *('max_priority = "bulk"', "[keys.x]", "keys = 1", "# [[keys]]", '"""', "}{"),
        ]
    )
    | st.text(max_size=12),
    max_size=12,
).map(lambda lines: "\n".join(lines).encode(errors="surrogatepass"))


def check_key_file(content: bytes) -> None:
    """A file becomes keys, or an error that says where and shows no key."""
    words, ring = "keys.toml", KeyRing({})
    try:
        ring = parse_api_keys(content, "keys.toml")
    except ApiKeyFileError as error:
        words = str(error)
    assert words.startswith("keys.toml")
    assert KEY not in words
    assert ring.find(KEY) is None


def check_key(key: str) -> None:
    """Whatever is shown as a key is looked up without an error."""
    assert KeyRing({}).find(key) is None


IMAGE_INPUT: Final = ImageInput(height=8, max_width=64, cell_height=4, cell_width=4)


@st.composite
def damaged_pictures(draw: st.DrawFn) -> bytes:
    """A picture's file with some bytes changed, cut off or put in; or bytes alone."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    mode = draw(st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]))
    kind = draw(st.sampled_from(["PNG", "JPEG"])) if mode in ("L", "RGB") else "PNG"
    content = io.BytesIO()
    size = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    Image.new(mode, size).save(content, kind)
    whole = bytearray(content.getvalue())
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(whole)))
        whole[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(whole)


def check_picture(content: bytes) -> None:
    """A file becomes a picture of the model's form, or an error that says what it must be."""
    read, words = None, "must"
    try:
        read = read_picture(content, IMAGE_INPUT, max_pixels=2000)
    except PictureError as error:
        words = str(error)
    assert words.startswith("must")
    if read is None:
        return
    assert read.columns.shape[1:] == (8, 1)
    assert 1 <= len(read.columns) <= 64
    assert read.width * read.height <= 2000


TARGETS: Final = {
    target.name: target
    for target in (
        Target("request decoding", damaged_messages(), check_request),
        Target("requests over JSON", BODIES, check_json),
        Target("Open Inference requests", open_inference_requests(), check_open_inference),
        Target("tensors decoded", tensor_messages(), check_tensor),
        Target("tensors there and back", ARRAYS, check_round_trip),
        Target("tokenizer offsets", TEXTS, check_offsets),
        Target("tokens into text", st.lists(st.integers(-2, 70), max_size=20), check_decoding),
        Target("words and sentences", TEXTS, check_spans),
        Target("picture files", damaged_pictures(), check_picture),
        Target("files of API keys", TOML_LINES | st.binary(max_size=80), check_key_file),
        Target("API keys", st.text() | st.from_regex(r"heed_.*"), check_key),
    )
}
