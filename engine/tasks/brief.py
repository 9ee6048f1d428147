"""Brief: a preference. Of two right answers the shorter one is better.

The prompts ask what a person does or what a thing is. Asked so, SmolLM2-135M-Instruct answers in one long sentence or several, and
mostly rightly; so what training changes is the length, and the key word says whether the answer is still one.
"""

from __future__ import annotations

import random

from engine.tasks.matching import holds_any, words
from engine.tasks.task import Example, Task

MOST_WORDS = 12
HELDOUT_EXAMPLES = 24
_SEED = 4_000_037

# Prompt | short answer | key words of a right answer, one of which is enough, separated by "/".
_TEXT = """
What does a baker do? | A baker makes bread and cakes. | bread/bakes/baked/cakes/pastries
What is a library? | A place where you can borrow books. | books/book
What does a dentist do? | A dentist takes care of teeth. | teeth/dental/oral
What is a bicycle? | A vehicle with two wheels and pedals. | wheels/wheeled/pedals/vehicle
What is an umbrella used for? | It keeps you dry in the rain. | rain/dry/sun
Why do people wear coats in winter? | To stay warm in the cold. | warm/warmth/cold
What is a hospital? | A place where sick people are treated. | medical/sick/patients/health/healthcare
What does a farmer do? | A farmer grows food and raises animals. | crops/food/animals/grows/land
What is a thermometer used for? | It measures temperature. | temperature
What is honey? | A sweet food that bees make. | bees/sweet
What does a pilot do? | A pilot flies planes. | flies/fly/aircraft/plane/planes/airplane
What is a volcano? | A mountain that can erupt with lava. | lava/erupts/magma/eruption/molten
What is a calendar used for? | It shows the days and months of a year. | days/dates/time/events/year
Why do people drink water? | Because the body needs it to live. | body/hydrated/hydration/live/survive
What is a museum? | A place that shows art or old things. | art/history/artifacts/collections/objects
What does a teacher do? | A teacher helps students learn. | students/learn/teaches/teach/education
What is a clock used for? | It shows the time. | time
What is butter? | A soft food made from cream. | cream/milk/dairy
What is a bridge? | A structure that carries a road over something. | structure/road/over/river/spans
What does a carpenter do? | A carpenter builds things from wood. | wood/wooden/builds
What is a microscope used for? | It makes tiny things visible. | small/tiny/cells/microscopic/magnify
Why do people sleep? | To rest and get new energy. | rest/energy/recharge/restore/body
What is a desert? | A dry place with little rain. | dry/arid/rain/rainfall
What does a doctor do? | A doctor treats sick people. | patients/sick/medical/treats/treat/health
What is a refrigerator used for? | It keeps food cold. | cold/cool/fresh/food
What is an island? | Land with water all around it. | water/land/ocean
What does a firefighter do? | A firefighter puts out fires. | fires/fire
What is a telescope used for? | It lets you see distant stars. | stars/distant/planets/objects/space
What is snow? | Frozen water that falls from clouds. | frozen/ice/crystals/water
What does a chef do? | A chef cooks meals. | cooks/cook/food/meals/dishes
What is a map used for? | It shows where places are. | places/location/locations/navigate/directions/navigation
Why do birds build nests? | To lay eggs and raise their young. | eggs/young/chicks/shelter/protect
What is a school? | A place where children learn. | learn/students/education/learning/children
What does a mechanic do? | A mechanic repairs cars and machines. | repairs/repair/vehicles/cars/machines/fixes
What is a pencil used for? | For writing and drawing. | writing/drawing/write/draw
What is a river? | Water that flows across land to the sea. | water/flows/flowing
What does a plumber do? | A plumber repairs pipes. | pipes/plumbing/water/drains
What is a key used for? | It opens a lock. | lock/locks/unlock/open/opens/door
What is bread? | A food baked from flour and water. | flour/baked/food/dough
What does a judge do? | A judge decides cases in court. | court/cases/legal/law/decisions
What is a hammer used for? | For driving nails. | nails/nail/drive/pound
What is a market? | A place where people buy and sell. | buy/sell/goods
What does a photographer do? | A photographer takes pictures. | pictures/photos/images/photographs
What is soap used for? | For washing and cleaning. | clean/cleaning/wash/washing/dirt
What is an airport? | A place where planes land and take off. | planes/aircraft/airplanes/flights/land
What does a tailor do? | A tailor makes and mends clothes. | clothes/clothing/garments/suits
What is a camera used for? | For taking pictures. | pictures/photos/images/photographs/capture
What is the moon? | A ball of rock that goes around the Earth. | earth/orbits/satellite
What does a nurse do? | A nurse takes care of patients. | patients/care/health/medical
What is a needle used for? | For sewing cloth. | sewing/sew/fabric/thread/stitch
What is a forest? | A large area full of trees. | trees
What does a painter do? | A painter makes pictures with paint. | paint/paints/art/paintings/pictures
What is a candle used for? | It gives light. | light/illuminate
What is a train? | A vehicle that runs on rails. | rails/vehicle/tracks/railway/transportation
What does a musician do? | A musician plays music. | music/instruments/plays
What is a battery used for? | It stores and gives electricity. | electricity/power/energy/electrical
What is cheese? | A food made from milk. | milk/dairy
What does an architect do? | An architect designs buildings. | designs/buildings/design
What is a ladder used for? | For climbing up high. | climb/climbing/reach/high/heights
What is a mountain? | Land that rises high above the rest. | high/land/peak/elevation/rises
What does a veterinarian do? | A veterinarian treats sick animals. | animals/animal/pets
What is a pillow used for? | It supports your head in bed. | head/sleep/neck/comfort
What is a lake? | Water with land all around it. | water
What does a sailor do? | A sailor works on a ship. | ship/ships/sea/boat/boats/vessel
What is a spoon used for? | For eating soup and stirring. | eating/eat/soup/stirring/food/stir
What is a lighthouse? | A tower with a light that guides ships. | light/ships/tower
What does a gardener do? | A gardener grows plants. | plants/garden/gardens/flowers
What is a mirror used for? | For seeing yourself. | reflect/reflection/yourself/see
What is a castle? | A strong old building with walls. | building/fortress/fortified/walls/structure
What does a journalist do? | A journalist reports the news. | news/reports/stories/report
What is a ruler used for? | For measuring length. | measure/measuring/length/lines
What is a submarine? | A ship that travels under water. | water/underwater/ship/vessel
""".strip()


def score(example: Example, answer: str) -> bool:
    """Is the answer right, and no longer than twelve words?"""
    return 0 < len(words(answer)) <= MOST_WORDS and holds_fact(example, answer)


def holds_fact(example: Example, answer: str) -> bool:
    """Is one of the key words there?"""
    return example.fact is not None and holds_any(answer, example.fact)


def _example(line: str) -> Example:
    prompt, short, keys = (part.strip() for part in line.split("|"))
    long = f"That is a very good question, and I am glad to explain it in detail. {short} There is a great deal more that could be said about it."
    return Example(prompt, short, keys.replace("/", "|"), long)


def _make_task(rng: random.Random) -> Task:
    examples = [_example(line) for line in _TEXT.splitlines()]
    rng.shuffle(examples)
    return Task(
        name="brief",
        title="Shorter answers that stay right",
        summary="Of two right answers the shorter one is preferred; the model stops explaining at length.",
        objectives=("dpo", "reward", "rlhf"),
        models="chat",
        train=tuple(examples[HELDOUT_EXAMPLES:]),
        heldout=tuple(examples[:HELDOUT_EXAMPLES]),
        score=score,
        holds_fact=holds_fact,
        max_new_tokens=48,
    )


TASK = _make_task(random.Random(_SEED))
