"""Stage 3 of the notebook: the recipe of a run and the loop that follows it.

The map of the room::

    recipe.py         Recipe: everything that determines a run; recipes.toml holds those we ship
    loop.py           fit(): epochs and batches, readable from top to bottom
    step.py           one step: batch, zero gradients, forward, loss, backward, step
    batch_norm.py     batch normalisation of a batch that several processes share
    parallel.py       the processes that share a run, and what they send each other
    torchrun.py       which of them this is, and who speaks to a person
    pictures.py       where the loop's pictures are: on the device, or in files, fetched in time
    course.py         how many pictures and steps each epoch has, at which learning rate
    optimizers.py     optimizers and schedules by name
    muon.py           the optimizer of orthogonal steps
    uncompiled.py     optimizers without torch's compiler
    sharpness.py      steps that avoid sharp minima
    averaging.py      the average of the weights over training
    difficulty.py     which pictures are hard, and draws that go by it
    augment.py        flips, shifts and erasing of whole batches
    mixing.py         mixup and cutmix
    validation.py     loss and accuracy on the validation pictures
    meter.py          loss and hits of an epoch, kept on the device
    history.py        one record an epoch, and where a run stands within one
    checkpoint.py     stop and go on, bit for bit
    device.py         cpu, cuda, mps; precision; seeds
    bf16.py           whether a CPU computes in bfloat16 soundly, and fast
    replay.py         steps recorded once and played back on CUDA
    memory.py         whether a step fits into the memory there is
    compatibility.py  what goes together: network, data, recipe; runs trained at once
    curves.py         learning curves in numbers
    diagnosis.py      what they say: overfitting, underfitting, overshooting
"""
