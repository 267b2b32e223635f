"""The entries of a checkpoint's JSON files: each is obeyed, known as harmless, or refused by its name."""

from pathlib import Path

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
SAME = {"torch_dtype": "dtype"}  # of every layout: another name -> the name under which it is read
DTYPES = ("float32", "float16", "bfloat16", "float64", "auto")  # all are read as float32
MOST = 1e30  # float32 ends at 3e38

# Entries of every layout that change no number that a run computes: where the file comes from, names of
# classes, special tokens, how it was and how it would be trained, how a text is generated, what a call returns.
HARMLESS = frozenset(
    """
    _name_or_path name_or_path _commit_hash transformers_version architectures auto_map model_type
    id2label label2id num_labels problem_type finetuning_task task_specific_params
    bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id cls_token_id mask_token_id
    decoder_start_token_id tokenizer_class prefix vocab_type
    initializer_range initializer_factor classifier_dropout gradient_checkpointing
    use_cache output_attentions output_hidden_states output_scores output_past return_dict use_return_dict
    return_dict_in_generate torchscript use_bfloat16 tf_legacy_loss chunk_size_feed_forward
    attn_implementation _attn_implementation _attn_implementation_autoset
    experts_implementation _experts_implementation unsloth_version unsloth_fixed
    assistant_confidence_threshold assistant_lookbehind bad_words_ids begin_suppress_tokens diversity_penalty
    do_sample early_stopping encoder_no_repeat_ngram_size encoder_repetition_penalty epsilon_cutoff eta_cutoff
    exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty max_length
    max_new_tokens min_length no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule
    num_beam_groups num_beams num_return_sequences remove_invalid_values repetition_penalty suppress_tokens
    target_lookbehind temperature top_k top_p typical_p
    """.split()
)


def shown(value, most: int = 80) -> str:
    """A value as an error shows it: never longer than a line."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def one_name(source: Path | str, entries: dict, same: dict[str, str]) -> dict:
    """Entries with one name for each fact; a ValueError where two names of one fact say different things."""
    ours = {name: value for name, value in entries.items() if name not in same}
    for other, name in same.items():
        value = entries.get(other)
        if value is None:
            continue
        if ours.get(name) is not None and ours[name] != value:
            raise ValueError(
                f"{source} says {name} = {shown(ours[name])} and {other} = {shown(value)}, which are two names of "
                "one setting: take one out"
            )
        ours[name] = value
    return ours


class Settings:
    """Entries of one JSON file. A reader asks for those that it knows; `close` refuses the others by name."""

    def __init__(self, source: Path | str, entries: dict, usual: dict, same: dict, harmless: frozenset | set):
        """usual: values of entries that the file may leave out; same: other names of entries."""
        self.source = source
        given = one_name(source, entries, SAME | same)
        self.entries = usual | given
        self.unread = given.keys() - HARMLESS - harmless

    def get(self, name: str, usual=None):
        """An entry as it is; `usual` where the file leaves it out or has null."""
        self.unread.discard(name)
        value = self.entries.get(name)
        return usual if value is None else value

    def sizes(self, *names: str, least: int = 1) -> list[int]:
        """Entries that must be whole numbers."""
        found = [self.get(name) for name in names]
        missing = [name for name, value in zip(names, found, strict=True) if type(value) is not int]
        if missing:
            raise ValueError(f"{self.source} has no whole number for {', '.join(missing)}")
        for name, value in zip(names, found, strict=True):
            if value < least:
                raise self._bad(name, f"a whole number of {least} or more")
        return found

    def size(self, name: str, usual: int | None) -> int | None:
        """One that may be left out."""
        return usual if self.get(name) is None else self.sizes(name)[0]

    def side(self, name: str) -> int:
        """A length in pixels: a number, or two equal ones."""
        value = self.get(name)
        if isinstance(value, list) and len(value) == 2:
            if value[0] != value[1]:
                raise self._bad(name, "square: both numbers the same")
            value = value[0]
        if type(value) is not int or value < 1:
            raise self._bad(name, "a whole number of 1 or more, or two equal ones")
        return value

    def number(self, name: str) -> float:
        """An entry that must be a number above 0."""
        value = self.get(name)
        if type(value) not in (int, float) or not 0 < value < MOST:
            raise self._bad(name, "a number above 0")
        return value

    def flag(self, name: str) -> bool:
        """An entry that must be true or false."""
        if type(self.get(name)) is not bool:
            raise self._bad(name, "true or false")
        return self.get(name)

    def only(self, name: str, *allowed) -> None:
        """A ValueError where an entry that is there has another value than these."""
        value = self.get(name)
        if value is not None and value not in allowed:
            known = " or ".join(map(repr, allowed))
            raise ValueError(f"{self.source} asks for {name} {shown(value)}; only {known} is read here")

    def activation(self, name: str) -> str:
        """Our name of the activation that an entry asks for."""
        theirs = self.get(name)
        if theirs not in tuple(ACTIVATIONS):
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"{self.source}: {name} {shown(theirs)} is unknown; known are {known}")
        return ACTIVATIONS[theirs]

    def inside(self, name: str, same: dict[str, str]) -> "Settings":
        """The entries of an entry that is an object; none where it is left out."""
        value = self.get(name, {})
        if not isinstance(value, dict):
            raise self._bad(name, "an object {…}")
        return Settings(f"{self.source}: {name}", value, {}, same, frozenset())

    def close(self) -> None:
        """A ValueError that names what was not read, unless it says nothing: null, false or empty."""
        self.only("dtype", *DTYPES)
        asked = sorted(n for n in self.unread if self.entries[n] not in (None, False, "", [], {}))
        if asked:
            more = f" and {len(asked) - 10} more" if len(asked) > 10 else ""
            asks = ", ".join(f"{n[:60]} {shown(self.entries[n])}" for n in asked[:10])
            raise ValueError(f"{self.source} asks for {asks}{more}, which is not read here")

    def _bad(self, name: str, wanted: str) -> ValueError:
        return ValueError(f"{self.source}: {name} is {shown(self.entries.get(name))}; it must be {wanted}")
