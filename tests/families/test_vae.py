"""The publication's autoencoder: its size, its loss, and training that repeats."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy

import heirloom.steps.sample as sampling
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset, write_batches
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import minibatches, vae
from heirloom.families.base import Measuring, Sets
from heirloom.families.vae import model
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.vae import Optimiser, VaeFit, VaeTraining

PAPER = model.Shape(side=28, channels=64, latent=20)
TINY = model.Shape(side=8, channels=3, latent=2)
CHUNK = 256  # images decoded together
FIT = VaeFit(latent=2, channels=3, epochs=1, start="scratch", batch_rows=16, optimiser="adam", learning_rate=0.01, weight_decay=1e-5)


def fresh(shape: model.Shape) -> model.Vae:
    return model.Vae(shape, model.initialise(shape, Stream((0, "initial"))))


def pixels(num_rows: int, width: int = 64) -> NDArray[np.uint8]:
    return Stream((0, "rows")).generator().integers(0, 256, (1, num_rows, width), dtype=np.uint8)


def rows(num_rows: int = 64) -> Dataset:
    return Dataset.of(vector_table(pixels(num_rows)))


def test_the_default_is_the_publication_s_network_of_647081_parameters() -> None:
    fit = VaeTraining().fit_settings(0, None)
    shape = model.Shape(28, fit.channels, fit.latent)
    assert shape == PAPER
    assert sum(math.prod(sizes) for sizes in model.parameter_shapes(shape).values()) == 647_081
    assert (fit.epochs, fit.batch_rows, fit.learning_rate, fit.weight_decay, fit.start) == (30, 256, 1e-3, 1e-5, "scratch")


def test_weights_begin_within_the_bounds_of_pytorch_s_own_layers() -> None:
    ours = fresh(PAPER).weights
    layers = {
        "encoder.convolution_2": nn.Conv2d(64, 128, 4),
        "decoder.convolution_1": nn.ConvTranspose2d(128, 64, 4),
        "decoder.linear": nn.Linear(20, 6272),
    }
    for name, layer in layers.items():
        for part in ("weight", "bias"):
            theirs: torch.Tensor = getattr(layer, part).detach()
            our_part = ours[f"{name}.{part}"]
            assert our_part.shape == theirs.shape
            assert float(our_part.abs().max()) == pytest.approx(float(theirs.abs().max()), rel=0.1)
    assert float(ours["encoder.convolution_2.weight"].std()) == pytest.approx(1 / math.sqrt(3 * 64 * 16), rel=0.01)


def test_the_network_computes_what_pytorch_s_modules_compute() -> None:
    ours = fresh(PAPER)
    encoder = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(), nn.Flatten())
    decoder = nn.Sequential(
        *(nn.Linear(20, 6272), nn.Unflatten(1, (128, 7, 7))),
        *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Sigmoid()),
    )
    modules = {"0": "convolution_1", "2": "convolution_2"}
    encoder.load_state_dict(
        {f"{i}.{part}": ours.weights[f"encoder.{name}.{part}"] for i, name in modules.items() for part in ("weight", "bias")}
    )
    modules = {"0": "linear", "2": "convolution_1", "4": "convolution_2"}
    decoder.load_state_dict(
        {f"{i}.{part}": ours.weights[f"decoder.{name}.{part}"] for i, name in modules.items() for part in ("weight", "bias")}
    )
    images = model.as_images(pixels(3, 784)[0], 28)
    noise = torch.from_numpy(Stream((1,)).generator().standard_normal((3, 20), dtype=np.float32))
    with torch.no_grad():
        hidden = encoder(images)
        mean, log_variance = (
            hidden @ ours.weights[f"encoder.{name}.weight"].T + ours.weights[f"encoder.{name}.bias"] for name in ("mean", "log_variance")
        )
        reconstruction = binary_cross_entropy(decoder(mean + noise * (log_variance / 2).exp()), images, reduction="sum")
        loss, _ = model.negative_elbo(ours, images, noise)
    assert float(loss) == pytest.approx(float(reconstruction), rel=1e-5)


def test_an_untrained_model_s_loss_is_that_of_a_coin_and_a_posterior_set_by_hand() -> None:
    blank = {name: torch.zeros(sizes) for name, sizes in model.parameter_shapes(TINY).items()}
    blank["encoder.mean.bias"] = torch.tensor([1.0, 0.0])
    blank["encoder.log_variance.bias"] = torch.tensor([0.0, math.log(4)])
    images = model.as_images(pixels(5)[0], 8)
    reconstruction, divergence = model.negative_elbo(model.Vae(TINY, blank), images, torch.zeros(5, 2))
    assert float(reconstruction) == pytest.approx(5 * 64 * math.log(2))
    assert float(divergence) == pytest.approx(5 * (1 / 2 + (4 - 1 - math.log(4)) / 2))


def test_a_white_pixel_is_1() -> None:
    assert model.as_images(np.array([[0, 51, 255, 255]], np.uint8), 2).flatten().tolist() == pytest.approx([0.0, 0.2, 1.0, 1.0])


def test_training_again_gives_the_same_bytes_and_another_stream_others(tmp_path: Path) -> None:
    written = []
    for number, name in enumerate(("train", "train", "other")):
        vae.save(vae.train(rows(), FIT, None, Stream((name,))), tmp_path / str(number))
        written.append(fingerprint(tmp_path / str(number))["sha256"])
    assert written[0] == written[1] != written[2]


def test_training_lowers_the_loss_and_begins_from_the_weights_that_it_is_given() -> None:
    start = fresh(TINY)
    still = vae.train(rows(), FIT.model_copy(update={"learning_rate": 1e-12, "weight_decay": 0.0}), start, Stream(()))
    assert all(torch.allclose(weight, start.weights[name], atol=1e-9) for name, weight in still.weights.items())
    trained = vae.train(rows(), FIT.model_copy(update={"epochs": 4}), start, Stream(()))
    images, noise = model.as_images(pixels(64)[0], 8), torch.zeros(64, 2)
    loss_before, loss_after = (float(sum(model.negative_elbo(trained_model, images, noise))) for trained_model in (start, trained))
    assert loss_after < loss_before


def first_step(optimiser: Optimiser) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a matrix before and after one step of size 0.001 on all rows with decay 0.1, and its gradient before the step."""
    start, stream = fresh(TINY), Stream(())
    settings = {"optimiser": optimiser, "batch_rows": 64, "learning_rate": 1e-3, "weight_decay": 0.1}
    trained_model = vae.train(rows(), FIT.model_copy(update=settings), start, stream)
    (batch,) = minibatches.batches(64, 1, 64, stream)
    noise = torch.from_numpy(stream.child("noise").generator().standard_normal((64, 2), dtype=np.float32))
    weights = {name: weight.clone().requires_grad_() for name, weight in start.weights.items()}
    reconstruction, divergence = model.negative_elbo(model.Vae(TINY, weights), model.as_images(pixels(64)[0][batch], 8), noise)
    torch.autograd.backward(reconstruction + divergence)
    gradient = weights["encoder.mean.weight"].grad
    assert gradient is not None
    return start.weights["encoder.mean.weight"], trained_model.weights["encoder.mean.weight"], gradient


def test_gradient_descent_steps_along_the_gradient_and_the_decayed_weight() -> None:
    model_before, model_after, gradient = first_step("sgd")
    assert torch.allclose(model_after, model_before - 1e-3 * (gradient + 0.1 * model_before), atol=1e-6)


def test_adam_s_first_step_has_its_size_in_every_weight_and_only_adamw_decays_them_beside_it() -> None:
    model_before, adam, gradient = first_step("adam")
    _, adamw, _ = first_step("adamw")
    clear = gradient.abs() > 0.1
    assert int(clear.sum()) > 10
    assert torch.allclose((model_before - adam)[clear], 1e-3 * (gradient + 0.1 * model_before)[clear].sign(), atol=1e-6)
    assert torch.allclose((model_before - adamw)[clear], 1e-3 * (gradient.sign() + 0.1 * model_before)[clear], atol=1e-6)


def test_a_sample_is_the_decoder_s_means_of_the_prior_rounded_to_whole_levels() -> None:
    tiny = fresh(TINY)
    (first,) = vae.sample(tiny, None, 10, NoSettings(), Stream((0, "sample")))
    latents = Stream((0, "sample", "latents", 0)).generator().standard_normal((CHUNK, 2), dtype=np.float32)
    with torch.no_grad():
        means = model.decode(tiny, torch.from_numpy(latents)).sigmoid().flatten(1).numpy()[:10]
    assert first.shape == (1, 10, 64)
    assert first.dtype == np.uint8
    assert np.abs(first[0] / 255 - means).max() <= 0.5 / 255 + 1e-6


def test_an_image_does_not_depend_on_how_many_others_are_sampled() -> None:
    few, many = (np.concatenate(list(vae.sample(fresh(TINY), None, n, NoSettings(), Stream((0,)))), axis=1) for n in (3, CHUNK + 5))
    assert many.shape == (1, CHUNK + 5, 64)
    assert np.array_equal(few, many[:, :3])
    assert not np.array_equal(many[:, :5], many[:, CHUNK:])


def test_images_are_numbered_across_chunks_and_stay_bytes_on_disk(tmp_path: Path) -> None:
    place = {"step": "sample", "code": "", "num_threads": 1, "seed": 0, "regime": "replace", "generation": 1}
    step = sampling.Slice.model_validate({**place, "family": "vae", "sampling": {}, "rows": CHUNK + 5})
    tables = list(sampling.vectors(step, fresh(TINY), Writer("0" * 64, np.zeros(1), np.zeros(1, np.int32)), 1))
    assert [table.num_rows for table in tables] == [CHUNK, 5]
    write_batches(tmp_path / "synthetic.parquet", (batch for table in tables for batch in table.to_batches()))
    rows_on_disk = pq.read_table(tmp_path / "synthetic.parquet")
    assert rows_on_disk["row"].to_pylist() == list(range(CHUNK + 5))
    assert rows_on_disk.schema.field("x").type.value_type == pa.uint8()
    assert np.array_equal(Dataset.open(tmp_path / "synthetic.parquet").head("x", CHUNK + 1)[CHUNK], tables[1]["x"][0].values.to_numpy())


def test_the_latent_probe_pools_the_origin_s_posterior_means_over_images_and_dimensions() -> None:
    origin, later = fresh(TINY), vae.train(rows(), FIT, None, Stream(("later",)))
    sets = Sets(rows(20), rows(20), rows(30), rows(64))
    measures = vae.evaluate(later, sets, origin, Measuring(1, truth={}), Stream((0,)))
    with torch.no_grad():
        means, _ = model.encode(origin, model.as_images(pixels(20)[0], 8))
    assert measures["latent_spread"] == pytest.approx(float(means.double().std(correction=0)), rel=1e-6)
    assert measures["latent_mean"] == pytest.approx(float(means.double().mean()), rel=1e-4)
    assert measures["test_elbo"] == pytest.approx(-measures["test_reconstruction"] - measures["test_divergence"])
    assert measures["nearest_real"] == pytest.approx(0)
    assert "class_entropy" not in measures  # there are no 8 x 8 digits to compare with


@pytest.mark.parametrize("width", [60, 49])
def test_images_that_the_network_cannot_halve_twice_are_refused(width: int) -> None:
    with pytest.raises(HeirloomError, match=rf"images of {width} pixels: .* multiple of 4"):
        vae.train(Dataset.of(vector_table(pixels(4, width))), FIT, None, Stream(()))


def test_a_start_of_another_shape_and_a_loss_that_explodes_are_refused() -> None:
    with pytest.raises(HeirloomError, match="start checkpoint"):
        vae.train(rows(), FIT, fresh(model.Shape(8, 4, 2)), Stream(()))
    with pytest.raises(HeirloomError, match=r"at step 2 .*learning_rate must be smaller"):
        vae.train(rows(), FIT.model_copy(update={"learning_rate": 1e30, "epochs": 5}), None, Stream(()))


def test_a_checkpoint_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match="missing"):
        vae.load(tmp_path)
    shapes = model.parameter_shapes(TINY)
    model.save_folder(model.Vae(TINY, {name: torch.zeros(sizes) for name, sizes in list(shapes.items())[:4]}), tmp_path)
    with pytest.raises(HeirloomError, match="not a checkpoint of family vae"):
        vae.load(tmp_path)


def test_every_row_is_read_once_an_epoch_in_an_order_of_its_own() -> None:
    steps = list(minibatches.batches(10, 2, 4, Stream((0,))))
    assert [len(step) for step in steps] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(steps[:3]), np.concatenate(steps[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert not np.array_equal(first, second)
