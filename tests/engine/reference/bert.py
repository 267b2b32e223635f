"""BERT: tiny checkpoints of the reference, and its intermediates under our names."""

from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

from tests.engine.reference.watch import masked, split, watch
from tests.engine.tiny import SIZES

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    max_position_embeddings=SIZES["context"],
    hidden_size=SIZES["width"],
    num_hidden_layers=SIZES["layers"],
    num_attention_heads=SIZES["heads"],
    intermediate_size=SIZES["mlp_width"],
)
HEADS = {"both": BertForPreTraining, "masked": BertForMaskedLM, "none": BertModel}


def make(ending: str = "both", **choices) -> BertForPreTraining | BertForMaskedLM | BertModel:
    """`ending`: which of the heads that BERT was trained with the checkpoint has."""
    config = BertConfig(**THEIR_SIZES | choices, attn_implementation="eager", pad_token_id=None)
    return HEADS[ending](config)


def points(model, ids: Tensor, padding: Tensor | None, segments: Tensor | None) -> dict[str, Tensor]:
    inputs, outputs = watch(model, ids, padding, token_type_ids=segments)
    config = model.config
    found = {
        "embed.token": outputs["embeddings.word_embeddings"],
        "embed.position": outputs["embeddings.position_embeddings"].expand_as(inputs["embeddings.LayerNorm"]),
        "embed.segment": outputs["embeddings.token_type_embeddings"],
        "embed.sum": inputs["embeddings.LayerNorm"],
        "embed.out": outputs["embeddings"],
    }
    found |= _norm("embed.norm", "embeddings.LayerNorm", inputs, outputs, config)
    real = ids.new_ones(ids.shape).bool() if padding is None else padding
    before = "embeddings"
    for i in range(config.num_hidden_layers):
        theirs, ours = f"encoder.layer.{i}", f"blocks.{i}"
        attention, width = f"{theirs}.attention", config.hidden_size // config.num_attention_heads
        q, k, v = (split(outputs[f"{attention}.self.{name}"], width) for name in ("query", "key", "value"))
        (z, pattern), out = outputs[f"{attention}.self"], outputs[f"{attention}.output.dense"]
        heads = dict(q=q, k=k, v=v, pattern=pattern, z=split(z, width), out=out)
        heads |= masked(q @ k.mT, width**-0.5, real[:, None, None, :])
        found |= {f"{ours}.attn.{name}": x for name, x in heads.items()}
        found |= {
            f"{ours}.resid_pre": outputs[before],
            f"{ours}.attn.sum": inputs[f"{attention}.output.LayerNorm"],
            f"{ours}.resid_mid": outputs[attention][0],
            f"{ours}.mlp.pre": outputs[f"{theirs}.intermediate.dense"],
            f"{ours}.mlp.act": outputs[f"{theirs}.intermediate"],
            f"{ours}.mlp.out": outputs[f"{theirs}.output.dense"],
            f"{ours}.mlp.sum": inputs[f"{theirs}.output.LayerNorm"],
            f"{ours}.resid_post": outputs[f"{theirs}.output"],
        }
        found |= _norm(f"{ours}.attn.norm", f"{attention}.output.LayerNorm", inputs, outputs, config)
        found |= _norm(f"{ours}.mlp.norm", f"{theirs}.output.LayerNorm", inputs, outputs, config)
        before = f"{theirs}.output"
    if "cls.predictions" in outputs:
        transform = "cls.predictions.transform"
        found["head.pre"] = outputs[f"{transform}.dense"]
        found["head.act"] = inputs[f"{transform}.LayerNorm"]
        found["logits"] = outputs["cls.predictions"]
        found |= _norm("head.norm", f"{transform}.LayerNorm", inputs, outputs, config)
    if "cls.seq_relationship" in outputs:
        found["follows.first"], found["follows.pre"] = outputs[before][:, 0], outputs["pooler.dense"]
        found["follows.pooled"], found["follows.scores"] = outputs["pooler"], outputs["cls.seq_relationship"]
    return found


def _norm(name: str, theirs: str, inputs: dict, outputs: dict, config: BertConfig) -> dict[str, Tensor]:
    x = inputs[theirs]
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + config.layer_norm_eps) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": outputs[theirs]}
